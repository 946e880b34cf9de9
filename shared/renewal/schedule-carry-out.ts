import type { TrackedCertificate } from '../certificates/certificate.ts';
import { secondsAfter } from '../runtime/clock.ts';
import { type Candidate, isUnreserved } from './candidates.ts';
import type { Place } from './plan-ground.ts';
import { beginRenewal, type Renewal, type RenewalId } from './renewal.ts';
import type { Found } from './schedule-backlog.ts';
import type { SchedulePorts } from './schedule-ports.ts';
import { resendSeconds } from './settle.ts';
import { transitions, type Worker } from './transitions.ts';

/** What became of one item. */
export type Carried =
  | { readonly kind: 'opened' | 'resumed'; readonly id: RenewalId; readonly worker: Worker }
  | { readonly kind: 'planned' }
  | { readonly kind: 'poll'; readonly name: string };

/** While a renewal is open the certificate itself is looked at once a day, should the renewal ever be lost. */
const backstopSeconds = 86_400;

/**
 * Sends a candidate off, or keeps its place in the plan. Every change is conditional on the nextActionAt that was
 * read, and whoever moves it sends, so that two ticks at once do nothing twice; undefined when somebody else was
 * quicker.
 */
export async function carryOut(
  { item, at }: Place<Candidate>,
  now: Date,
  ports: SchedulePorts,
): Promise<Carried | undefined> {
  const { certificate, forced } = item;
  const goes = at <= now;
  // A message lost is made up for by the renewal's own time.
  const nextActionAt = goes ? secondsAfter(now, resendSeconds) : at;
  if (item.open) {
    const open = forced ? await wake(item.open, now, ports) : item.open;
    const moved = await moveRenewal(open, nextActionAt, ports);
    return moved ? (goes ? resumed(open) : { kind: 'planned' }) : undefined;
  }
  // Opened whenever its turn is: the certificate itself would not remember that it was forced.
  if (goes || forced) {
    const opened = await openNext(item, { now, nextActionAt }, ports);
    return opened && !goes ? { kind: 'planned' } : opened;
  }
  const { name, nextActionAt: expectedAt, plannedAt = at } = certificate;
  const moved = await ports.certificates.postpone({ name, expectedAt, nextActionAt: at, plannedAt });
  return moved ? { kind: 'planned' } : undefined;
}

/** Acts on what needs no turn at a CA; on the same conditions. */
export async function carryOn(
  found: Exclude<Found, { kind: 'candidate' | 'placed' }>,
  now: Date,
  ports: SchedulePorts,
): Promise<Carried | undefined> {
  const resendAt = secondsAfter(now, resendSeconds);
  if (found.kind === 'under-way') {
    const moved = await moveRenewal(found.renewal, resendAt, ports);
    return moved ? resumed(found.renewal) : undefined;
  }
  if (found.kind === 'asleep') {
    const moved = await moveRenewal(await wake(found.open, now, ports), resendAt, ports);
    return moved ? resumed(found.open) : undefined;
  }
  const { name, nextActionAt: expectedAt } = found.certificate;
  const postpone = (nextActionAt: Date, generation?: number) =>
    ports.certificates.postpone({ name, expectedAt, nextActionAt, generation, plannedAt: null });
  if (found.kind === 'wait') {
    await postpone(found.until);
    return undefined;
  }
  if (found.kind === 'poll') return (await postpone(resendAt)) ? { kind: 'poll', name } : undefined;
  const { open } = found;
  const moved = await postpone(secondsAfter(now, backstopSeconds), open.generation);
  // One that has still to ask for its share of the limits keeps its place in the plan.
  return moved && !isUnreserved(open.step) ? resumed(open) : undefined;
}

type MovedRenewal = RenewalId & { readonly nextActionAt?: Date | undefined };

const moveRenewal = (
  { certificateName, generation, nextActionAt: expectedAt }: MovedRenewal,
  nextActionAt: Date,
  { renewals }: SchedulePorts,
): Promise<boolean> =>
  expectedAt
    ? renewals.postpone({ id: { certificateName, generation }, expectedAt, nextActionAt })
    : Promise.resolve(false);

async function wake(open: Renewal, now: Date, { renewals }: SchedulePorts): Promise<Renewal> {
  await renewals.wake(open, now);
  return { ...open, nextActionAt: now };
}

const resumed = ({
  certificateName,
  generation,
  step,
}: Pick<Renewal, keyof RenewalId | 'step'>): Carried => ({
  kind: 'resumed',
  id: { certificateName, generation },
  worker: transitions[step].worker,
});

/** The index may lag, so the certificate is read anew before its next generation is opened. */
async function openNext(
  { name, reason, passedOver = [], certificate: seen }: Candidate,
  { now, nextActionAt }: { now: Date; nextActionAt: Date },
  { certificates, renewals }: SchedulePorts,
): Promise<Carried | undefined> {
  const certificate = await certificates.get(name);
  if (!certificate || !isAsSeen(certificate, seen)) return undefined;
  const { policy, generation, nextActionAt: expectedAt } = certificate;
  const id = { certificateName: name, generation: generation + 1 };
  const isNew = await renewals.open({
    ...beginRenewal(id, { reason, policy, now, nextActionAt }),
    passedOver,
  });
  // A tick that died right here left it behind, and it has ended since: the next one opens another.
  const isOver = !isNew && (await renewals.get(id))?.outcome !== undefined;
  const moved = await certificates.postpone({
    name,
    expectedAt,
    nextActionAt: isOver ? now : secondsAfter(now, backstopSeconds),
    generation: id.generation,
    plannedAt: null,
  });
  return moved && !isOver ? { kind: 'opened', id, worker: transitions['choose-ca'].worker } : undefined;
}

const isAsSeen = (certificate: TrackedCertificate, seen: TrackedCertificate): boolean =>
  certificate.state === 'tracked' &&
  certificate.generation === seen.generation &&
  certificate.nextActionAt.getTime() === seen.nextActionAt.getTime();
