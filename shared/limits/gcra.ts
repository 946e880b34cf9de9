/** `burst` tokens at once, refilled continuously so that an empty bucket is full after `periodSeconds`. */
export interface Limit {
  readonly burst: number;
  readonly periodSeconds: number;
}

export interface SpendDecision {
  readonly allowed: boolean;
  /** The theoretical arrival time to keep: moved on when allowed, as it was otherwise. */
  readonly tat: Date;
  /** Whole tokens left after the spend, or without it when it is denied. */
  readonly remaining: number;
  /** When the same spend would be allowed if nothing else were spent; `now` when it is allowed. */
  readonly retryAt: Date;
}

/** What binds only while somebody has held it off: nothing is ever spent in it. */
export const unmetered: Limit = { burst: 1, periodSeconds: 0 };

/**
 * Milliseconds in which one token refills. Rounded up to whole ones, so that instants stay exact and no bucket
 * refills faster than its CA's.
 */
export const intervalMillisOf = ({ burst, periodSeconds }: Limit): number =>
  Math.ceil((periodSeconds * 1000) / burst - 1e-6);

/** The bursts of some CAs are out of all proportion; a bucket is one item, and an item has to stay small. */
const mostAtOnce = 2000;

/**
 * The part of a published limit that is used: nine tenths of the burst rounded down, with the refill unchanged. Our count and the CA's then never part so far that a grant of ours is one too many for the
 * CA, as long as the clocks' differences and the delay between a spend here and the request's arrival there stay
 * below (published burst - usable burst) x refill interval altogether. A burst of 1 has no margin to give.
 */
export function usableLimit(published: Limit): Limit {
  const burst = Math.max(1, Math.min(Math.floor(0.9 * published.burst), mostAtOnce));
  return { burst, periodSeconds: (published.periodSeconds * burst) / published.burst };
}

/**
 * The generic cell rate algorithm: a bucket is one instant, the theoretical arrival time (TAT) at which it will
 * be full again. A spend of `cost` tokens moves it on by so many refill intervals, and is allowed while it stays
 * within a full burst of `now`. Boulder counts likewise (ratelimits/gcra.go). A cost beyond the burst is never
 * allowed.
 */
export function decideSpend(limit: Limit, tat: Date | undefined, cost: number, now: Date): SpendDecision {
  const intervalMillis = intervalMillisOf(limit);
  const spentUntil = Math.max(tat?.getTime() ?? 0, now.getTime());
  const latest = now.getTime() + limit.burst * intervalMillis;
  const next = spentUntil + cost * intervalMillis;
  const allowed = next <= latest;
  const kept = allowed ? next : spentUntil;
  return {
    allowed,
    tat: new Date(kept),
    remaining:
      intervalMillis === 0 ? Number(allowed) : Math.max(0, Math.floor((latest - kept) / intervalMillis)),
    retryAt: allowed ? now : new Date(now.getTime() + next - latest),
  };
}
