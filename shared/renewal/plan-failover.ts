import type { Candidate } from './candidates.ts';
import { decidePatience } from './decide-ca.ts';
import { chooseAuthority, chooseDemand } from './plan-demand.ts';
import type { Place, PlanGround } from './plan-ground.ts';

/**
 * The candidate at the next CA that can issue it, where its place comes later than the certificate can wait;
 * undefined where it can, or there is no such CA. Its renewal is opened as passed over by the CA it leaves: a
 * worker would see there only how soon the next token frees, not how many wait for it.
 */
export function findAlternative<Item extends Candidate>(
  { item, at, bucket }: Place<Item>,
  { preferred, now }: Pick<PlanGround, 'preferred' | 'now'>,
): Item | undefined {
  const { certificate, open, demand, authority: left } = item;
  if (open || demand.notBefore || at <= decidePatience(certificate, now)) return undefined;
  const reason = `the rate limit ${bucket ?? demand.ca} lets it go at ${at.toISOString()} only`;
  const passedOver = [{ directoryUrl: left.directoryUrl, reason, until: at }];
  const authority = chooseAuthority(certificate, { now, preferred, passedOver });
  return (
    authority && { ...item, authority, demand: chooseDemand(certificate, authority, { now }), passedOver }
  );
}
