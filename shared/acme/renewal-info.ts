import { secondsAfter } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { OpenSession } from './connection.ts';
import { AcmeFailure } from './problem.ts';

/** The window in which the CA wants a certificate renewed: from `start`, before `end`. */
export interface RenewalWindow {
  readonly start: Date;
  readonly end: Date;
}

/** What a CA says about renewing one certificate (RFC 9773, 4.2). */
export interface RenewalInfo {
  readonly window: RenewalWindow;
  /** Where the CA tells people why; worth showing them. */
  readonly explanationUrl?: string | undefined;
  /** When to ask again, from now; the CA owes it. */
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * Asks for renewal information: an unsigned GET (RFC 9773, 4.1), repeated as reads are.
 * @throws Failure `renewal-info-unknown` when the CA does not know the certificate or answers no such requests,
 * `renewal-info-unusable` when what it says makes no window, and those of the session
 */
export async function fetchRenewalInfo(session: OpenSession, certificateId: string): Promise<RenewalInfo> {
  const base = await session.renewalInfoUrl();
  if (base === undefined) throw unknown(certificateId, 'its directory has no renewalInfo');
  const url = `${base.replace(/\/$/, '')}/${certificateId}`;
  const response = await session.getOpen(url).catch((error) => {
    const { problem = undefined } = error instanceof AcmeFailure ? error : {};
    throw problem?.status === 404 ? unknown(certificateId, problem.detail, error) : error;
  });
  const body = (response.data ?? {}) as { suggestedWindow?: unknown; explanationURL?: unknown };
  const { start, end } = (body.suggestedWindow ?? {}) as { start?: unknown; end?: unknown };
  const window = { start: readInstant(start), end: readInstant(end) };
  if (!(window.start < window.end)) throw unusable(certificateId, { start, end });
  return {
    window,
    explanationUrl: readExplanationUrl(body.explanationURL),
    retryAfterSeconds: session.retryAfterSeconds(response),
  };
}

/** RFC 3339, with its offset: a date that needs a guess is none. An invalid Date compares as false. */
const readInstant = (value: unknown): Date =>
  new Date(
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/i.test(value)
      ? Date.parse(value)
      : Number.NaN,
  );

const readExplanationUrl = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= 2000 && /^https?:\/\//i.test(value) && URL.canParse(value)
    ? value
    : undefined;

const unknown = (certificateId: string, why: string, cause?: unknown) =>
  new Failure({
    code: 'renewal-info-unknown',
    disposition: 'give-up',
    message: `the CA has no renewal information for ${certificateId}: ${why}`,
    cause,
  });

const unusable = (certificateId: string, { start, end }: { start: unknown; end: unknown }) =>
  new Failure({
    code: 'renewal-info-unusable',
    disposition: 'retry',
    message: `the CA's renewal window for ${certificateId} is none: from ${show(start)} to ${show(end)}`,
  });

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 40) ?? 'nothing';

/** Whether a renewal now is one the CA asked for: it waives its limits for those alone. */
export const isInsideWindow = ({ start, end }: RenewalWindow, now: Date): boolean =>
  start <= now && now < end;

/**
 * When to renew (RFC 9773, 4.2): an instant drawn evenly from the window; at once when that has passed or would
 * pass before the next look at the clock.
 */
export function chooseRenewalInstant(
  { start, end }: RenewalWindow,
  { now, nextTickAt, random }: { readonly now: Date; readonly nextTickAt: Date; readonly random: Random },
): Date {
  const drawn = new Date(start.getTime() + Math.floor(random() * (end.getTime() - start.getTime())));
  return drawn < nextTickAt ? now : drawn;
}

export type PollOutcome =
  | { readonly kind: 'answered'; readonly retryAfterSeconds?: number | undefined }
  /** `failures` in a row, this one counted. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly failures: number };

const shortestSeconds = 60;
const longestSeconds = 86_400;
/** After what will not pass by itself, and where the CA names no time (RFC 9773, 4.3.3). */
const longTermSeconds = 6 * 3600;

/**
 * When to ask again. An answer's Retry-After is kept within a minute and a day (RFC 9773, 4.3.2) and never
 * undercut; temporary errors double their pause from a minute to six hours; all others wait six hours. Spread by
 * a tenth, so that a fleet does not ask in step.
 */
export function decideNextPollAt({
  now,
  random,
  outcome,
}: {
  readonly now: Date;
  readonly random: Random;
  readonly outcome: PollOutcome;
}): Date {
  const promised = outcome.kind === 'answered' ? outcome : outcome.failure;
  const { retryAfterSeconds } = promised;
  if (retryAfterSeconds !== undefined)
    return secondsAfter(now, clamp(retryAfterSeconds * (1 + random() / 10)));
  const temporary = outcome.kind === 'failed' && isTemporary(outcome.failure);
  const backoffSeconds = temporary
    ? shortestSeconds * 2 ** Math.min(outcome.failures - 1, 20)
    : longTermSeconds;
  return secondsAfter(now, Math.min(backoffSeconds, longTermSeconds) * (0.9 + random() / 5));
}

const clamp = (seconds: number): number => Math.min(longestSeconds, Math.max(shortestSeconds, seconds));

/** Names that do not resolve and ports that refuse are no passing trouble (RFC 9773, 4.3.3). */
const lastingNetworkErrors = new Set(['ECONNREFUSED', 'ENOTFOUND']);

function isTemporary(failure: Failure): boolean {
  if (failure instanceof AcmeFailure) return failure.problem.status >= 500 || failure.problem.status === 429;
  if (failure.code === 'ca-unreachable')
    return !lastingNetworkErrors.has(String((failure.cause as { code?: unknown } | undefined)?.code));
  return failure.code === 'deadline';
}
