/**
 * Let's Encrypt's side, at true time, written unlike the limiter: a count of tokens that refills as time passes.
 * Nothing here knows of arrival times, holds or margins.
 */
export interface Oracle {
  /** Tokens there are now. */
  count(): number;
  /** Takes one, if there is one. */
  take(): boolean;
}

export function createOracle({
  burst,
  refillMillis,
  tokens,
  nowMillis,
}: {
  burst: number;
  refillMillis: number;
  tokens: number;
  nowMillis: () => number;
}): Oracle {
  let level = tokens;
  let lookedAtMillis = nowMillis();
  const refill = () => {
    level = Math.min(burst, level + (nowMillis() - lookedAtMillis) / refillMillis);
    lookedAtMillis = nowMillis();
  };
  return {
    count() {
      refill();
      return level;
    },
    take() {
      refill();
      // Refill adds fractions, which do not sum up to whole tokens exactly.
      if (level < 1 - 1e-6) return false;
      level -= 1;
      return true;
    },
  };
}
