import type { RecordedConnection } from '../../audit/run-record.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { GateVerdict } from '../gate/gate.ts';
import type { ChainPorts } from './ports.ts';

/** Worth trying again: the peer was not reached, or who vouches for it was not. */
const passing = new Set(['peer-unreachable', 'revocation-unknown']);

/**
 * The peers of a pipeline, checked now: a worker connects to nobody else.
 * @throws Failure with the code of the first certificate that is not healthy
 */
export async function checkedPeers(
  { gate, clock, recorder }: Pick<ChainPorts, 'gate' | 'clock' | 'recorder'>,
  pipeline: Pipeline,
  signal: AbortSignal,
): Promise<GateVerdict['peers']> {
  // What an earlier invocation of this process left unread is not this one's.
  recorder.drain();
  const { problems, peers } = await gate.check(pipeline, { now: clock.now(), signal });
  const [problem] = problems;
  if (!problem) return peers;
  throw new Failure({
    code: problem.code,
    disposition: passing.has(problem.code) ? 'retry' : 'give-up',
    message: problem.message,
  });
}

/**
 * The connections a worker has made.
 * @throws Failure `peer-unverified` where one of them was to somebody who was not verified
 */
export function refuseUnverified(connections: readonly RecordedConnection[]): readonly RecordedConnection[] {
  const unverified = connections.find(({ verified }) => !verified);
  if (!unverified) return connections;
  throw new Failure({
    code: 'peer-unverified',
    disposition: 'bug',
    message: `a connection to ${unverified.host} was made without verifying the peer; nothing of this run may be trusted`,
  });
}
