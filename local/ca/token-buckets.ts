import type { Clock } from '../../shared/runtime/clock.ts';

/** `burst` at once, and as many again over `periodSeconds`. */
export interface Rate {
  readonly burst: number;
  readonly periodSeconds: number;
}

// A wait computed to the last token may end a rounding error short of it.
const tolerance = 1e-9;

/**
 * Buckets of fractional tokens that refill all the time and start full. Their time runs `timeScale` times as
 * fast as the clock; what is spent is forgotten when the process ends.
 */
export class TokenBuckets {
  readonly #levels = new Map<string, { tokens: number; at: number }>();
  readonly #clock: Clock;
  readonly #timeScale: number;

  constructor(options: { clock: Clock; timeScale: number }) {
    this.#clock = options.clock;
    this.#timeScale = options.timeScale;
  }

  /** Seconds of the clock until the bucket has a whole token; 0 when it has one. */
  secondsUntilToken(key: string, rate: Rate): number {
    const missing = 1 - this.#tokensIn(key, rate);
    return missing <= tolerance ? 0 : (missing * rate.periodSeconds) / rate.burst / this.#timeScale;
  }

  /** Takes one token where there is one; a bucket never goes below zero. */
  take(key: string, rate: Rate): boolean {
    const tokens = this.#tokensIn(key, rate);
    if (1 - tokens > tolerance) return false;
    this.#levels.set(key, { tokens: Math.max(0, tokens - 1), at: this.#now() });
    return true;
  }

  /** Puts one token back, up to the burst. */
  giveBack(key: string, rate: Rate): void {
    const tokens = Math.min(rate.burst, this.#tokensIn(key, rate) + 1);
    this.#levels.set(key, { tokens, at: this.#now() });
  }

  #tokensIn(key: string, rate: Rate): number {
    const level = this.#levels.get(key);
    if (level === undefined) return rate.burst;
    // A clock that was set back refills nothing.
    const elapsedSeconds = Math.max(0, this.#now() - level.at) / 1000;
    return Math.min(
      rate.burst,
      level.tokens + (elapsedSeconds * this.#timeScale * rate.burst) / rate.periodSeconds,
    );
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
