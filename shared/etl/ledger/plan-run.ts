import { Failure } from '../../runtime/errors.ts';
import { digestOfManifest, type Manifest } from '../run/manifest.ts';
import { firstChunk } from './chunk.ts';
import { changeRun } from './open-run.ts';
import type { Run } from './run.ts';
import { advanceRun, type TendPorts } from './tend-run.ts';

/**
 * Fixes what a run in `checking` reads: from here on every worker reads this manifest, which must be stored under
 * `manifestKey` before. Of two planners one is refused.
 * @throws Failure `run-contended`, `run-not-ready`
 */
export const fixManifest = (
  ports: TendPorts,
  run: Run,
  plan: { manifest: Manifest; manifestKey: string; watermark?: string | undefined },
): Promise<Run> =>
  changeRun(ports, run, {
    event: 'planned',
    details: {
      manifestKey: plan.manifestKey,
      manifestDigest: digestOfManifest(plan.manifest),
      chunkCount: plan.manifest.entries.length,
      watermark: plan.watermark,
    },
  });

/**
 * Writes down the chunks of a run in `planned`, answers the run as it stands then; may be repeated. A run without
 * chunks is `loaded` at once.
 * @throws Failure `manifest-exchanged` where the manifest is not the one that was fixed
 */
export async function writeChunks(ports: TendPorts, run: Run, manifest: Manifest): Promise<Run> {
  if (digestOfManifest(manifest) !== run.manifestDigest) throw manifestExchanged(run);
  const plan = { of: manifest.entries.length, now: ports.clock.now() };
  await ports.ledger.addChunks(manifest.entries.map((entry) => firstChunk(run, entry, plan)));
  const current = (await ports.ledger.getRun(run)) ?? run;
  // Chunks that were through at once may have taken the run on already.
  if (current.runId === run.runId && current.state === 'planned')
    await changeRun(ports, current, { event: 'chunks-written' }).catch(ignoreContention);
  await advanceRun(ports, run);
  return (await ports.ledger.getRun(run)) ?? current;
}

function ignoreContention(error: unknown): void {
  if (!(error instanceof Failure && error.code === 'run-contended')) throw error;
}

const manifestExchanged = ({ runId, pipeline, manifestKey }: Run) =>
  new Failure({
    code: 'manifest-exchanged',
    disposition: 'give-up',
    message: `the manifest ${manifestKey} is not the one that run ${runId} of ${pipeline} has fixed; supersede the run`,
  });
