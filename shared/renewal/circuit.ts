import { secondsAfter } from '../runtime/clock.ts';

/** What the fleet knows of one CA's availability. */
export interface Circuit {
  /** Failures in a row that were the CA's, not a certificate's. */
  readonly failures: number;
  readonly lastFailureAt: Date;
  readonly reason: string;
}

/**
 * Circuits by directory URL, shared by all workers. Reads may be some seconds old: a circuit saves requests, it
 * guards nothing. Failures: `store-unavailable`.
 */
export interface CircuitStore {
  read(directoryUrl: string): Promise<Circuit | undefined>;
  recordFailure(directoryUrl: string, failure: { now: Date; reason: string }): Promise<void>;
  /** Forgets the failures; costs nothing where there were none when last read. */
  recordSuccess(directoryUrl: string): Promise<void>;
}

/** An outage shows on every request: fewer failures than this are chance. */
const tolerated = 5;
const shortestRestSeconds = 60;
const longestRestSeconds = 3600;

/**
 * Until when a CA is left alone: a minute after the fifth failure in a row, doubling with each further one up to
 * an hour. Whoever comes after that instant tries, and one success closes the circuit.
 */
export function openUntil(circuit: Circuit | undefined): Date | undefined {
  if (!circuit || circuit.failures < tolerated) return undefined;
  const doublings = Math.min(circuit.failures - tolerated, 10);
  const seconds = Math.min(shortestRestSeconds * 2 ** doublings, longestRestSeconds);
  return secondsAfter(circuit.lastFailureAt, seconds);
}

const outageCodes: readonly string[] = ['ca-unreachable', 'ca-untrusted', 'acme-serverInternal'];

/** Whether a failure says that the CA itself is out of order. */
export const isOutage = (code: string): boolean =>
  outageCodes.includes(code) || /^acme-http-5\d\d$/.test(code);
