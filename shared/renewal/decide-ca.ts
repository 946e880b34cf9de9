import { type CertificateAuthority, findUnsupported } from '../acme/catalogue.ts';
import type { CertificatePolicy, TrackedCertificate } from '../certificates/certificate.ts';
import { secondsAfter } from '../runtime/clock.ts';
import type { PassedOver } from './renewal.ts';

/** Why a CA is not asked, and until when; without `until` it cannot issue this certificate at all. */
export interface Obstacle {
  readonly authority: CertificateAuthority;
  readonly reason: string;
  readonly until?: Date | undefined;
}

export type CaDecision =
  | {
      readonly kind: 'chosen';
      readonly authority: CertificateAuthority;
      readonly reason?: string | undefined;
    }
  /** Nobody can issue it now; `freeAt` is when the first of them can, absent where none ever can. */
  | { readonly kind: 'none'; readonly freeAt?: Date | undefined; readonly reason: string };

/** What stands in the way of each CA that could be asked. */
export interface CaSituation {
  /** In order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  readonly wanted: Pick<CertificatePolicy, 'domains' | 'keyType' | 'profile'>;
  readonly passedOver: readonly PassedOver[];
  /** Until when a CA's circuit is open, by directory URL. */
  readonly openUntil: ReadonlyMap<string, { readonly until: Date; readonly reason: string }>;
  readonly now: Date;
}

/**
 * The first CA in order of preference that can issue the certificate and may be asked now. Every renewal begins
 * with the first choice again; what it was passed over for ends with the renewal or in its time.
 */
export function decideCa(situation: CaSituation): CaDecision {
  const obstacles: Obstacle[] = [];
  for (const authority of situation.preferred) {
    const obstacle = findObstacle(authority, situation);
    if (!obstacle) return { kind: 'chosen', authority, reason: describe(obstacles) };
    obstacles.push(obstacle);
  }
  const ends = obstacles.flatMap(({ until }) => (until ? [until.getTime()] : []));
  const freeAt = ends.length > 0 ? new Date(Math.min(...ends)) : undefined;
  return { kind: 'none', freeAt, reason: describe(obstacles) ?? 'no CA is configured' };
}

function findObstacle(
  authority: CertificateAuthority,
  { wanted, passedOver, openUntil, now }: CaSituation,
): Obstacle | undefined {
  const unsupported = findUnsupported(authority, wanted);
  if (unsupported) return { authority, reason: unsupported };
  const skipped = passedOver.find(
    ({ directoryUrl, until }) => directoryUrl === authority.directoryUrl && until > now,
  );
  if (skipped) return { authority, reason: skipped.reason, until: skipped.until };
  const open = openUntil.get(authority.directoryUrl);
  return open && open.until > now ? { authority, ...open } : undefined;
}

const describe = (obstacles: readonly Obstacle[]): string | undefined =>
  obstacles.length === 0
    ? undefined
    : obstacles.map(({ authority, reason }) => `${authority.name}: ${reason}`).join('; ');

/** New names wait this long for a first choice that is rate limited before another CA is asked. */
const patienceForNewSeconds = 6 * 3600;

/**
 * Until when a certificate may wait for the CA of its choice: half of what is left of the one being served, or
 * six hours where nothing is.
 */
export function decidePatience(certificate: TrackedCertificate | undefined, now: Date): Date {
  const notAfter = certificate?.current?.notAfter;
  if (!notAfter || notAfter <= now) return secondsAfter(now, notAfter ? 0 : patienceForNewSeconds);
  return new Date((now.getTime() + notAfter.getTime()) / 2);
}
