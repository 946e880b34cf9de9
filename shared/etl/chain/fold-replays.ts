import { Failure } from '../../runtime/errors.ts';
import { type Books, emptyBooks, findImbalances, foldReplay } from '../books/books.ts';
import type { Run } from '../ledger/run.ts';
import { scopeKey } from '../run/scope.ts';
import type { ChainPorts } from './ports.ts';

/**
 * The books of a load and of its replays up to this one, as one; undefined for a run that replays nothing.
 * @throws Failure `books-unbalanced` where a replay has taken out of quarantine what was never put there
 */
export async function foldReplays(
  { ledger }: Pick<ChainPorts, 'ledger'>,
  run: Run,
): Promise<Books | undefined> {
  const { scope } = run;
  if (scope.kind !== 'replay') return undefined;
  const load = await ledger.getRun({ pipeline: run.pipeline, scopeKey: scope.of });
  let folded = load?.books ?? emptyBooks;
  for (let round = 1; round <= scope.round; round += 1) {
    const slot = { pipeline: run.pipeline, scopeKey: scopeKey({ ...scope, round }) };
    const replay = await ledger.getRun(slot);
    // A superseded load has other books and other rounds; only what is about this load is folded.
    if (replay?.books) folded = foldReplay(folded, replay.books);
  }
  const [imbalance] = findImbalances(folded);
  if (!imbalance) return folded;
  throw new Failure({
    code: 'books-unbalanced',
    disposition: 'give-up',
    message: `the books of load ${scope.loadId} and its replays do not fold into one: ${imbalance.message}`,
  });
}
