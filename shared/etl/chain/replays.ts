import { Failure } from '../../runtime/errors.ts';
import type { RunLedger } from '../ledger/ledger.ts';
import type { Run } from '../ledger/run.ts';
import { scopeKey } from '../run/scope.ts';
import type { ChainPorts } from './ports.ts';
import { sumIndexes } from './sum-indexes.ts';

type ReplayLedger = Pick<RunLedger, 'getRun'>;

/** The replays of a load, whichever run has loaded it, by their rounds. */
export async function listReplays(
  ledger: ReplayLedger,
  { pipeline, loadId, of }: { pipeline: string; loadId: string; of: string },
): Promise<readonly Run[]> {
  const replays: Run[] = [];
  for (let round = 1; ; round += 1) {
    const key = scopeKey({ kind: 'replay', loadId, round, of });
    const replay = await ledger.getRun({ pipeline, scopeKey: key });
    if (!replay) return replays;
    replays.push(replay);
  }
}

/** A load, and the replays of what this very load has set aside; those of a run it has superseded are not among them. */
export interface ReplayedLoad {
  readonly load: Run;
  readonly replays: readonly Run[];
}

/** What a replay replays. @throws Failure `load-superseded` where that is there no more */
export async function requireReplayedLoad(ledger: ReplayLedger, replay: Run): Promise<ReplayedLoad> {
  const { scope, pipeline } = replay;
  if (scope.kind !== 'replay') throw new RangeError(`run ${replay.runId} replays nothing`);
  const load = await ledger.getRun({ pipeline, scopeKey: scope.of });
  if (!load || !isOf(load, replay)) throw loadSuperseded(replay);
  const replays = await listReplays(ledger, { pipeline, ...scope });
  return { load, replays: replays.filter((each) => isOf(load, each)) };
}

/** Replays are opened once their load is committed, and a run that supersedes it commits anew. */
const isOf = ({ committed, runId }: Run, replay: Run): boolean =>
  committed?.runId === runId && replay.openedAt > committed.at;

/**
 * What a load and its replays that came to their end have set aside, as keys with versions. Whatever else lies there
 * was left behind by workers that were overtaken and by runs that failed, and its records are among these.
 */
export async function listSetAside(
  { ledger, buckets }: Pick<ChainPorts, 'ledger' | 'buckets'>,
  { load, replays }: ReplayedLoad,
): Promise<ReadonlySet<string>> {
  const parts = new Set<string>();
  for (const run of [load, ...replays.filter(({ state }) => state === 'reported')]) {
    const { quarantined } = await sumIndexes(buckets.work, await ledger.listChunks(run));
    for (const part of quarantined) parts.add(partName(part));
  }
  return parts;
}

export const partName = ({ key, versionId }: { key: string; versionId: string }): string =>
  `${key}@${versionId}`;

const loadSuperseded = ({ runId, pipeline }: Run) =>
  new Failure({
    code: 'load-superseded',
    disposition: 'give-up',
    message: `what run ${runId} of ${pipeline} replays has been loaded anew meanwhile; ask for a replay of that`,
  });
