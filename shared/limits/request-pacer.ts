import type { Clock } from '../runtime/clock.ts';
import { asFailure, type Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { requestsKey } from './bucket-keys.ts';
import type { BucketStore } from './bucket-store.ts';
import { bookChunk, type Chunk } from './chunk-booking.ts';
import type { CaLimits, Endpoint } from './published-limits.ts';
import { type ChunkRules, chunkRulesOf } from './request-chunk.ts';

/**
 * Resolves when a request to this endpoint may be sent, which should then happen at once. Without a published
 * limit that is now.
 * @throws the signal's reason when it aborts first; Failure `store-unavailable`, `store-busy`
 */
export type PaceRequest = (endpoint: Endpoint, signal: AbortSignal) => Promise<void>;

export interface PacerOptions {
  readonly store: BucketStore;
  readonly ca: string;
  readonly limits: CaLimits;
  readonly clock: Clock;
  readonly random: Random;
}

/** A process's share of a CA's requests per second: chunks leased from the bucket all processes share. */
export function createRequestPacer(options: PacerOptions): PaceRequest {
  const lanes = new Map<Endpoint, (signal: AbortSignal) => Promise<void>>();
  return async (endpoint, signal) => {
    signal.throwIfAborted();
    const rate = options.limits.requests[endpoint];
    if (!rate) return;
    let pass = lanes.get(endpoint);
    if (!pass) {
      pass = createLane(options, { key: requestsKey(options.ca, endpoint), rules: chunkRulesOf(rate) });
      lanes.set(endpoint, pass);
    }
    await pass(signal);
  };
}

interface Waiter {
  pass(): void;
  fail(failure: Failure): void;
}

const noChunk: Chunk = { tokens: 0, lapsesAt: new Date(0) };

function createLane(options: PacerOptions, place: { key: string; rules: ChunkRules }) {
  const { clock } = options;
  const waiting = new Set<Waiter>();
  let { tokens, lapsesAt } = noChunk;
  let leasing = false;
  let size = 1;

  const takeToken = (): boolean => {
    if (tokens === 0 || clock.now() > lapsesAt) return false;
    tokens -= 1;
    return true;
  };

  // One lease at a time for everybody who waits here; chunks follow what was used of the one before.
  const lease = async () => {
    leasing = true;
    try {
      while (waiting.size > 0) {
        size = Math.min(place.rules.largest, tokens === 0 ? Math.max(size * 2, waiting.size) : waiting.size);
        const isWanted = () => waiting.size > 0;
        ({ tokens, lapsesAt } = await bookChunk({ ...options, ...place, size, isWanted }));
        for (const waiter of waiting) {
          if (!takeToken()) break;
          waiting.delete(waiter);
          waiter.pass();
        }
      }
    } catch (error) {
      for (const waiter of waiting) waiter.fail(asFailure(error));
      waiting.clear();
    } finally {
      leasing = false;
    }
  };

  return (signal: AbortSignal): Promise<void> => {
    if (takeToken()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        pass() {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        fail(failure) {
          signal.removeEventListener('abort', leave);
          reject(failure);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(waiter);
      if (!leasing) void lease();
    });
  };
}
