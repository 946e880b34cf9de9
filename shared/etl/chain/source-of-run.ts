import type { GateVerdict } from '../gate/gate.ts';
import type { Run } from '../ledger/run.ts';
import type { Source } from '../sources/source.ts';
import type { ChainPorts, DefinedRun } from './ports.ts';
import { createQuarantineSource } from './quarantine-source.ts';
import { listSetAside, requireReplayedLoad } from './replays.ts';

/** Where a run's records come from: the pipeline's source, or what an earlier load has set aside. */
export const openSourceOf = async (
  ports: ChainPorts,
  { run, pipeline, peers }: DefinedRun & { peers: GateVerdict['peers'] },
): Promise<Source> =>
  run.scope.kind === 'replay'
    ? createQuarantineSource(ports, {
        pipeline: pipeline.name,
        loadId: run.scope.loadId,
        listParts: async () => listSetAside(ports, await requireReplayedLoad(ports.ledger, run)),
      })
    : ports.ends.source(pipeline, peers);

/** For people and for add_metadata: nothing that could hold a credential. */
export const describeScope = ({ scope }: Pick<Run, 'scope'>): string =>
  scope.kind === 'window'
    ? `${scope.from.toISOString()} to ${scope.to.toISOString()}`
    : `quarantine of load ${scope.loadId}, round ${scope.round}`;
