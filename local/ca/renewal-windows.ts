import { X509Certificate } from 'node:crypto';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import type { CertificateRecord } from './records.ts';

/** From `start` on, before `end`. */
export interface RenewalWindow {
  readonly start: Date;
  readonly end: Date;
}

export interface MovedWindow {
  readonly window: RenewalWindow;
  readonly explanationUrl: string | undefined;
}

/** What the CA says of renewal beside its rule. */
export interface RenewalInfoBook {
  readonly retryAfterSeconds: number;
  /** By serial. */
  readonly moved: Map<string, MovedWindow>;
}

const shortSeconds = 10 * 86_400;

/** Where the window was moved to, else the past for a revoked certificate, else Boulder's rule. */
export function renewalWindowOf(
  certificate: CertificateRecord,
  book: RenewalInfoBook,
  now: Date,
): RenewalWindow {
  const moved = book.moved.get(certificate.id);
  if (moved !== undefined) return moved.window;
  if (certificate.revokedAt !== undefined) {
    // Boulder core/objects.go, RenewalInfoImmediate.
    const start = secondsAfter(now, -3600);
    return { start, end: secondsAfter(start, 1800) };
  }
  const { validFromDate, validToDate } = new X509Certificate(certificate.chainPem);
  return suggestWindow(validFromDate, validToDate);
}

/**
 * Two hundredths of the validity around the point where a third of it is left, half of it below ten days
 * (Boulder core/objects.go, RenewalInfoSimple).
 */
export function suggestWindow(notBefore: Date, notAfter: Date): RenewalWindow {
  // RFC 5280, 4.1.2.5: the last second is part of the validity.
  const validitySeconds = (notAfter.getTime() - notBefore.getTime()) / 1000 + 1;
  const ideal = secondsAfter(notAfter, -validitySeconds / (validitySeconds < shortSeconds ? 2 : 3));
  const marginSeconds = validitySeconds / 100;
  return {
    start: inWholeSeconds(secondsAfter(ideal, -marginSeconds)),
    end: inWholeSeconds(secondsAfter(ideal, marginSeconds)),
  };
}

/** What binds is what is printed. */
const inWholeSeconds = (instant: Date): Date => new Date(Math.floor(instant.getTime() / 1000) * 1000);
