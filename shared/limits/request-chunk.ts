import { intervalMillisOf, type Limit } from './gcra.ts';
import type { RequestRate } from './published-limits.ts';

/** How one kind of request is leased: a chunk of tokens at a time, used up within a moment. */
export interface ChunkRules {
  readonly limit: Limit;
  readonly largest: number;
  /** How long after its beginning the last token of a chunk may be used. */
  readonly lifeMillis: number;
}

const shortestLifeMillis = 20;
const longestLifeMillis = 1000;

/**
 * Half of the published burst at the published rate. The other half is what may pass between the moment a token
 * is counted here and the request's arrival at the CA without a request too many: half of that for the chunk's
 * life, half for the network and the clocks' differences.
 */
export const requestLimitOf = ({ perSecond, burst }: RequestRate): Limit => {
  const usable = Math.max(1, Math.floor(burst / 2));
  return { burst: usable, periodSeconds: usable / perSecond };
};

/** A quarter of the burst at most, so that at least four workers share it at any moment. */
export function chunkRulesOf(rate: RequestRate): ChunkRules {
  const limit = requestLimitOf(rate);
  const marginMillis = (rate.burst - limit.burst) * intervalMillisOf(limit);
  return {
    limit,
    largest: Math.min(limit.burst, Math.max(1, Math.floor(rate.burst / 4))),
    lifeMillis: Math.min(longestLifeMillis, Math.max(shortestLifeMillis, marginMillis / 2)),
  };
}
