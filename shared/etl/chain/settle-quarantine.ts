import { mapBounded } from '../../runtime/concurrency.ts';
import type { Run } from '../ledger/run.ts';
import type { Manifest } from '../run/manifest.ts';
import type { Part } from './parts.ts';
import type { FinishPorts } from './ports.ts';
import { quarantinedLoad, quarantineOf, quarantineOfRun } from './quarantine-lines.ts';
import { listSetAside, partName, requireReplayedLoad } from './replays.ts';

/** Deletions under way at once. */
const atOnce = 8;

/**
 * Leaves in quarantine what is still to be looked at. A replay has taken out what it read: what failed again lies
 * among its own. A run that takes the place of another takes out all the other had set aside. Of this run's own,
 * what workers left behind that were overtaken; beside a replay, what runs left behind that never came to their end.
 */
export async function settleQuarantine(
  { buckets, ledger }: Pick<FinishPorts, 'buckets' | 'ledger'>,
  { run, manifest, kept }: { run: Run; manifest: Manifest; kept: readonly Part[] },
): Promise<void> {
  const { quarantine } = buckets;
  const own = quarantineOfRun(run);
  const ofRun = new Set(kept.map(partName));
  const replayed = new Set(
    manifest.entries.flatMap(({ slice }) => (slice.kind === 'object' ? [slice.key] : [])),
  );
  const all = quarantineOf({ pipeline: run.pipeline, loadId: quarantinedLoad(run) });
  const ofLoad =
    run.scope.kind === 'replay'
      ? await listSetAside({ ledger, buckets }, await requireReplayedLoad(ledger, run))
      : new Set<string>();
  const settled: { key: string; versionId: string }[] = [];
  for await (const { key, versionId } of quarantine.listVersions(all)) {
    const name = partName({ key, versionId });
    const stays = key.startsWith(own) ? ofRun.has(name) : ofLoad.has(name) && !replayed.has(key);
    if (!stays) settled.push({ key, versionId });
  }
  await mapBounded(settled, atOnce, ({ key, versionId }) => quarantine.deleteVersion(key, versionId));
}
