import { secondsAfter } from '../runtime/clock.ts';
import { type CertificateOutcome, supersedes } from './outcome.ts';
import { claimSeconds, type RunStore } from './runs.ts';

/** Runs in this process's memory, for tests and for code that has no table. */
export function createMemoryRunStore(): RunStore {
  const outcomes = new Map<string, Map<string, CertificateOutcome>>();
  const claims = new Map<string, Date | 'confirmed'>();
  const claimKey = (runId: string, channel: string) => JSON.stringify([runId, channel]);

  return {
    async recordOutcome(outcome) {
      const run = outcomes.get(outcome.runId) ?? new Map<string, CertificateOutcome>();
      outcomes.set(outcome.runId, run);
      const stored = run.get(outcome.certificateName);
      if (stored && !supersedes(outcome, stored)) return 'superseded';
      run.set(outcome.certificateName, structuredClone(outcome));
      return 'recorded';
    },
    async listOutcomes(runId) {
      const run = [...(outcomes.get(runId)?.values() ?? [])];
      return structuredClone(
        run.sort((left, right) => (left.certificateName < right.certificateName ? -1 : 1)),
      );
    },
    async claimReport({ runId, channel, now }) {
      const claimed = claims.get(claimKey(runId, channel));
      if (claimed === 'confirmed' || (claimed && claimed > now)) return false;
      claims.set(claimKey(runId, channel), secondsAfter(now, claimSeconds));
      return true;
    },
    async confirmReport({ runId, channel }) {
      claims.set(claimKey(runId, channel), 'confirmed');
    },
    async releaseReport({ runId, channel }) {
      claims.delete(claimKey(runId, channel));
    },
  };
}
