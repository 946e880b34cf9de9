import { mapBounded } from '../../runtime/concurrency.ts';
import type { Run } from '../ledger/run.ts';
import type { Manifest } from '../run/manifest.ts';
import type { Part } from './parts.ts';
import type { FinishPorts } from './ports.ts';
import { quarantinedLoad, quarantineOf, quarantineOfRun } from './quarantine-lines.ts';

/** Deletions under way at once. */
const atOnce = 8;

/**
 * Leaves in quarantine what is still to be looked at. A replay has taken out what it read: what failed again lies
 * among its own. A run that takes the place of another takes out all the other had set aside. Of this run's own,
 * what workers left behind that were overtaken.
 */
export async function settleQuarantine(
  { buckets }: Pick<FinishPorts, 'buckets'>,
  { run, manifest, kept }: { run: Run; manifest: Manifest; kept: readonly Part[] },
): Promise<void> {
  const { quarantine } = buckets;
  const own = quarantineOfRun(run);
  const keptKeys = new Set(kept.map(({ key, versionId }) => `${key}@${versionId}`));
  const replayed = new Set(
    manifest.entries.flatMap(({ slice }) => (slice.kind === 'object' ? [slice.key] : [])),
  );
  const all = quarantineOf({ pipeline: run.pipeline, loadId: quarantinedLoad(run) });
  const settled: { key: string; versionId: string }[] = [];
  for await (const { key, versionId } of quarantine.listVersions(all)) {
    const stays = key.startsWith(own)
      ? keptKeys.has(`${key}@${versionId}`)
      : run.scope.kind === 'replay' && !replayed.has(key);
    if (!stays) settled.push({ key, versionId });
  }
  await mapBounded(settled, atOnce, ({ key, versionId }) => quarantine.deleteVersion(key, versionId));
}
