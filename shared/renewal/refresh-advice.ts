import {
  chooseRenewalInstant,
  decideNextPollAt,
  type PollOutcome,
  type RenewalInfo,
} from '../acme/renewal-info.ts';
import type { RenewalAdvice } from '../certificates/certificate.ts';
import { secondsAfter } from '../runtime/clock.ts';
import type { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';

interface Moment {
  readonly now: Date;
  readonly random: Random;
}

/** As often as schedule-renewals looks; what falls due before it looks again is due now. */
const tickSeconds = 60;
/** Enough to tell what happened, far below an item's 400 KB. */
const longestProblem = 500;

export const nextTickAfter = (now: Date): Date => secondsAfter(now, tickSeconds);

/** What is on record about this certificate before its CA has been asked, or from the times it was. */
export const adviceBefore = (
  certificateId: string,
  known: RenewalAdvice | undefined,
  now: Date,
): RenewalAdvice =>
  known?.certificateId === certificateId ? known : { certificateId, nextPollAt: now, failures: 0 };

/** A window that stands keeps the instant drawn from it: drawing at each question would favour early ones. */
export function adviceAfterAnswer(
  before: RenewalAdvice,
  { window, explanationUrl, retryAfterSeconds }: RenewalInfo,
  { now, random }: Moment,
): RenewalAdvice {
  const drawn = hasMoved(before, { window }) ? undefined : before.renewAt;
  return {
    certificateId: before.certificateId,
    window,
    renewAt: drawn ?? chooseRenewalInstant(window, { now, nextTickAt: nextTickAfter(now), random }),
    explanationUrl,
    nextPollAt: nextPollAfter({ kind: 'answered', retryAfterSeconds }, { now, random }),
    failures: 0,
  };
}

/** What the CA said before stays good while it cannot be asked (RFC 9773, 4.3.3). */
export function adviceAfterFailure(before: RenewalAdvice, failure: Failure, moment: Moment): RenewalAdvice {
  const failures = before.failures + 1;
  return {
    ...before,
    nextPollAt: nextPollAfter({ kind: 'failed', failure, failures }, moment),
    failures,
    lastProblem: failure.message.slice(0, longestProblem),
  };
}

export const hasMoved = (
  { window: before }: Pick<RenewalAdvice, 'window'>,
  { window: after }: Pick<RenewalAdvice, 'window'>,
): boolean =>
  before?.start.getTime() !== after?.start.getTime() || before?.end.getTime() !== after?.end.getTime();

/** A question may be up to one tick early; that must not undercut the time the CA asked for. */
const nextPollAfter = (outcome: PollOutcome, { now, random }: Moment): Date =>
  nextTickAfter(decideNextPollAt({ now, random, outcome }));
