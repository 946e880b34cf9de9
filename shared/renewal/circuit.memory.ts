import type { Circuit, CircuitStore } from './circuit.ts';

/** The contract of CircuitStore in one process's memory. */
export function createMemoryCircuitStore(): CircuitStore {
  const circuits = new Map<string, Circuit>();
  return {
    read: async (directoryUrl) => circuits.get(directoryUrl),
    async recordFailure(directoryUrl, { now, reason }) {
      const failures = (circuits.get(directoryUrl)?.failures ?? 0) + 1;
      circuits.set(directoryUrl, { failures, lastFailureAt: now, reason });
    },
    async recordSuccess(directoryUrl) {
      circuits.delete(directoryUrl);
    },
  };
}
