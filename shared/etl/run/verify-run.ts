import type { RunRecord, SignedRunRecord } from '../../audit/run-record.ts';
import { type Evidence, type RecordProblem, verifyRunRecord } from '../../audit/verify-run-record.ts';
import { booksOf, countNames, findImbalances } from '../books/books.ts';

export interface RunProblem {
  readonly code: RecordProblem['code'] | 'books-unbalanced' | 'counts-unknown';
  readonly message: string;
}

/**
 * All that a signed record of a run can be held to without a network: the signature, its agreement with itself and
 * with the audit chain (see `verifyRunRecord`), and the conservation law, for the run and for each chunk. Empty
 * when all is well.
 */
export function verifyRun(candidate: unknown, evidence: Evidence): readonly RunProblem[] {
  const problems = verifyRunRecord(candidate, evidence);
  if (problems.some(({ code }) => code === 'record-malformed')) return problems;
  const { record } = candidate as SignedRunRecord;
  return [...problems, ...checkLaw(record)];
}

function checkLaw({ chunks, counts, runId }: RunRecord): RunProblem[] {
  const all = [
    { name: `run ${runId}`, counts },
    ...chunks.map((c) => ({ name: `chunk ${c.chunkId}`, ...c })),
  ];
  return all.flatMap((part): RunProblem[] => {
    const unknown = Object.keys(part.counts).filter((name) => !isCountName(name));
    if (unknown.length > 0)
      return [{ code: 'counts-unknown', message: `${part.name} counts ${unknown.join(', ')}` }];
    return findImbalances(booksOf(part.counts)).map(({ message }) => ({
      code: 'books-unbalanced',
      message: `${part.name}: ${message}`,
    }));
  });
}

const isCountName = (name: string): boolean => countNames.some((known) => known === name);
