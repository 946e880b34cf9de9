import { beforeEach, describe, expect, it } from 'vitest';
import type { CircuitStore } from '../../shared/renewal/circuit.ts';
import { daysAfter, noon } from '../support/builders.ts';

const ca = 'https://ca.example.org/directory';

export function describeCircuitStoreContract(adapter: string, make: () => Promise<CircuitStore>) {
  describe(`a circuit store (${adapter})`, () => {
    let store: CircuitStore;
    beforeEach(async () => {
      store = await make();
    });

    it('knows nothing of a CA that never failed', async () => {
      expect(await store.read(ca)).toBeUndefined();
      await store.recordSuccess(ca);
      expect(await store.read(ca)).toBeUndefined();
    });

    it('counts failures in a row, each CA for itself, and keeps the last', async () => {
      await store.recordFailure(ca, { now: noon, reason: 'ca-unreachable' });
      await Promise.all(
        [1, 2, 3].map(() => store.recordFailure(ca, { now: daysAfter(noon, 1), reason: 'acme-http-500' })),
      );
      expect(await store.read(ca)).toEqual({
        failures: 4,
        lastFailureAt: daysAfter(noon, 1),
        reason: 'acme-http-500',
      });
      expect(await store.read('https://other.example.org/directory')).toBeUndefined();
    });

    it('forgets them at the first success', async () => {
      await store.recordFailure(ca, { now: noon, reason: 'ca-unreachable' });
      await store.read(ca);
      await store.recordSuccess(ca);
      expect(await store.read(ca)).toBeUndefined();
    });
  });
}
