import { mapBounded } from '../../runtime/concurrency.ts';
import { mergeDrift, noDrift, type SchemaDrift } from '../contract/drift.ts';
import type { PiiWarning } from '../contract/undeclared-pii.ts';
import type { Chunk } from '../ledger/chunk.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { type DestinationFigures, readIndex } from './chunk-index.ts';
import type { Part } from './parts.ts';
import { resultOf } from './stage-result.ts';

/** What the stages have noted of all chunks together, besides the books. */
export interface IndexSums {
  readonly quarantined: readonly Part[];
  readonly drift: SchemaDrift;
  readonly piiWarnings: readonly PiiWarning[];
  readonly keyIds: readonly string[];
  /** In the definition's order. */
  readonly destinations: readonly DestinationFigures[];
}

/** Indexes read at once. */
const atOnce = 8;

export async function sumIndexes(work: ObjectStore, chunks: readonly Chunk[]): Promise<IndexSums> {
  const kept = chunks.flatMap((chunk) =>
    (['transform', 'load'] as const)
      .filter((stage) => chunk.results[stage]?.outKey !== undefined)
      .map((stage) => resultOf(chunk, stage)),
  );
  const indexes = await mapBounded(kept, atOnce, (result) => readIndex(work, result));
  return {
    quarantined: indexes.flatMap(({ quarantined }) => quarantined ?? []),
    drift: indexes.reduce((sum, { drift }) => mergeDrift(sum, drift ?? noDrift), noDrift),
    piiWarnings: addWarnings(indexes.flatMap(({ piiWarnings }) => piiWarnings ?? [])),
    keyIds: [...new Set(indexes.flatMap(({ keyIds }) => keyIds ?? []))].sort(),
    destinations: addFigures(indexes.flatMap(({ destinations }) => destinations ?? [])),
  };
}

function addWarnings(warnings: readonly PiiWarning[]): PiiWarning[] {
  const sums = new Map<string, PiiWarning>();
  for (const warning of warnings) {
    const name = `${warning.column} ${warning.kind}`;
    const sum = sums.get(name);
    const rows = warning.rows + (sum?.rows ?? 0);
    sums.set(name, { ...warning, rows, sampled: warning.sampled + (sum?.sampled ?? 0) });
  }
  return [...sums.values()];
}

function addFigures(told: readonly DestinationFigures[]): DestinationFigures[] {
  const sums = new Map<string, DestinationFigures>();
  for (const { name, inserted, updated, unchanged } of told) {
    const sum = sums.get(name) ?? { name, inserted: 0, updated: 0, unchanged: 0 };
    sums.set(name, {
      name,
      inserted: sum.inserted + inserted,
      updated: sum.updated + updated,
      unchanged: sum.unchanged + unchanged,
    });
  }
  return [...sums.values()];
}
