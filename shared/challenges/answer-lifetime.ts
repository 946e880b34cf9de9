import { type Clock, secondsAfter } from '../runtime/clock.ts';

/** Longer than any pending order lives at the CAs that matter; an answer that outlives its order harms nobody. */
const answerLifetimeSeconds = 7 * 24 * 3600;

export const answerExpiry = (clock: Clock): Date => secondsAfter(clock.now(), answerLifetimeSeconds);
