import { Failure } from '../../runtime/errors.ts';
import { type Books, emptyBooks, findImbalances, foldReplay } from '../books/books.ts';
import type { Run } from '../ledger/run.ts';
import type { ChainPorts } from './ports.ts';
import { requireReplayedLoad } from './replays.ts';

/**
 * The books of a load and of its replays up to this one, as one; undefined for a run that replays nothing.
 * @throws Failure `books-unbalanced` where a replay has taken out of quarantine what was never put there;
 *   `load-superseded`
 */
export async function foldReplays(
  { ledger }: Pick<ChainPorts, 'ledger'>,
  run: Run,
): Promise<Books | undefined> {
  if (run.scope.kind !== 'replay') return undefined;
  const { load, replays } = await requireReplayedLoad(ledger, run);
  const folded = replays
    .filter(({ committed, runId }) => committed?.runId === runId)
    .reduce((books, replay) => foldReplay(books, replay.books ?? emptyBooks), load.books ?? emptyBooks);
  const [imbalance] = findImbalances(folded);
  if (!imbalance) return folded;
  throw new Failure({
    code: 'books-unbalanced',
    disposition: 'give-up',
    message: `the books of load ${run.scope.loadId} and its replays do not fold into one: ${imbalance.message}`,
  });
}
