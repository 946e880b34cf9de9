import { describe, expect, test } from 'vitest';
import type { CertificateOutcome } from '../../shared/report/outcome.ts';
import type { RunStore } from '../../shared/report/runs.ts';

const anOutcome = (overrides: Partial<CertificateOutcome> = {}): CertificateOutcome => ({
  runId: 'run-1',
  certificateName: 'a.example.com',
  generation: 2,
  result: 'renewed',
  at: new Date('2027-01-01T03:00:00.123Z'),
  deployed: 1,
  verified: 2,
  warnings: [],
  ...overrides,
});
const aFailure = (overrides: Partial<CertificateOutcome> = {}) =>
  anOutcome({ result: 'failed', error: { code: 'ca-unreachable', message: 'no answer' }, ...overrides });

const later = new Date('2027-01-01T03:05:00Z');
const earlier = new Date('2027-01-01T02:55:00Z');

/** What every RunStore keeps to; `make` answers an empty one. */
export function describeRunStoreContract(name: string, make: () => Promise<RunStore>): void {
  describe(`${name} as a RunStore`, () => {
    const storeWith = async (...outcomes: readonly CertificateOutcome[]) => {
      const store = await make();
      for (const outcome of outcomes) await store.recordOutcome(outcome);
      return store;
    };

    test('answers what was recorded, whole', async () => {
      const whole = aFailure({ notAfter: later, warnings: ['grade B', 'chain has an extra certificate'] });
      const store = await storeWith(whole);
      expect(await store.listOutcomes('run-1')).toEqual([whole]);
    });

    test('answers no outcome for a run nobody recorded', async () => {
      const store = await storeWith(anOutcome());
      expect(await store.listOutcomes('run-2')).toEqual([]);
    });

    test('keeps runs apart and lists each in the order of names', async () => {
      const store = await storeWith(
        anOutcome({ certificateName: 'c' }),
        anOutcome({ certificateName: 'a' }),
        anOutcome({ certificateName: 'b', runId: 'run-2' }),
        anOutcome({ certificateName: '*.b' }),
      );
      const listed = await store.listOutcomes('run-1');
      expect(listed.map(({ certificateName }) => certificateName)).toEqual(['*.b', 'a', 'c']);
    });

    test('lists more outcomes than one page holds', async () => {
      const store = await make();
      const warnings = ['w'.repeat(20_000)];
      const names = Array.from({ length: 60 }, (_, index) => `${100 + index}.example.com`);
      await Promise.all(
        names.map((certificateName) => store.recordOutcome(anOutcome({ certificateName, warnings }))),
      );
      const listed = await store.listOutcomes('run-1');
      expect(listed.map(({ certificateName }) => certificateName)).toEqual(names);
    });

    test('does not mind the same outcome twice', async () => {
      const store = await storeWith(anOutcome());
      expect(await store.recordOutcome(anOutcome())).toBe('recorded');
      expect(await store.listOutcomes('run-1')).toEqual([anOutcome()]);
    });

    test.each<[string, CertificateOutcome, CertificateOutcome]>([
      ['a later failure of the same generation', anOutcome(), aFailure({ at: later })],
      ['a failure of an older generation', anOutcome(), aFailure({ generation: 1, at: later })],
      ['a renewal of an older generation', aFailure(), anOutcome({ generation: 1, at: later })],
      ['an earlier outcome of the same kind', anOutcome(), anOutcome({ at: earlier, verified: 0 })],
      ['an earlier failure', aFailure(), aFailure({ at: earlier, error: { code: 'x', message: 'x' } })],
    ])('keeps what it has against %s', async (_, stored, next) => {
      const store = await storeWith(stored);
      expect(await store.recordOutcome(next)).toBe('superseded');
      expect(await store.listOutcomes('run-1')).toEqual([stored]);
    });

    test.each<[string, CertificateOutcome, CertificateOutcome]>([
      ['a renewal after a failure, even one known earlier', aFailure(), anOutcome({ at: earlier })],
      ['a failure of a newer generation', anOutcome(), aFailure({ generation: 3, at: earlier })],
      ['a renewal of a newer generation', anOutcome(), anOutcome({ generation: 10, at: earlier })],
      ['a later outcome of the same kind', anOutcome(), anOutcome({ at: later, verified: 3 })],
    ])('takes %s', async (_, stored, next) => {
      const store = await storeWith(stored);
      expect(await store.recordOutcome(next)).toBe('recorded');
      expect(await store.listOutcomes('run-1')).toEqual([next]);
    });

    test('comes to the same end in whatever order outcomes arrive at once', async () => {
      const outcomes = [
        aFailure({ at: earlier }),
        anOutcome(),
        aFailure({ at: later }),
        anOutcome({ at: earlier }),
        aFailure({ generation: 1, at: later }),
      ];
      for (const order of [outcomes, outcomes.toReversed()]) {
        const store = await make();
        await Promise.all(order.map((outcome) => store.recordOutcome(outcome)));
        expect(await store.listOutcomes('run-1')).toEqual([anOutcome()]);
      }
    });

    const noon = new Date('2026-11-21T12:00:00Z');
    const claim = (runId: string, channel: string, now = noon) => ({ runId, channel, now });

    test('gives the report of a run to one claimant per channel', async () => {
      const store = await make();
      const claims = await Promise.all(
        Array.from({ length: 20 }, () => store.claimReport(claim('run-1', 'slack'))),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await store.claimReport(claim('run-1', 'sns'))).toBe(true);
      expect(await store.claimReport(claim('run-2', 'slack'))).toBe(true);
    });

    test('lets a released report be claimed again, and does not mind a release too many', async () => {
      const store = await make();
      await store.releaseReport(claim('run-1', 'slack'));
      expect(await store.claimReport(claim('run-1', 'slack'))).toBe(true);
      await store.releaseReport(claim('run-1', 'slack'));
      expect(await store.claimReport(claim('run-1', 'slack'))).toBe(true);
      expect(await store.claimReport(claim('run-1', 'slack'))).toBe(false);
    });

    test('lets a claim whose holder died be claimed again after its time, and a confirmed one never', async () => {
      const store = await make();
      const later = new Date(noon.getTime() + 900_000);
      expect(await store.claimReport(claim('run-1', 'slack'))).toBe(true);
      expect(await store.claimReport(claim('run-1', 'slack', new Date(later.getTime() - 1)))).toBe(false);
      expect(await store.claimReport(claim('run-1', 'slack', later))).toBe(true);
      await store.confirmReport(claim('run-1', 'slack'));
      expect(await store.claimReport(claim('run-1', 'slack', new Date('2030-01-01T00:00:00Z')))).toBe(false);
    });

    test('does not list claims among the outcomes', async () => {
      const store = await storeWith(anOutcome());
      await store.claimReport(claim('run-1', 'slack'));
      expect(await store.listOutcomes('run-1')).toHaveLength(1);
    });
  });
}
