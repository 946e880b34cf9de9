import { createHash } from 'node:crypto';
import type {
  FinishedLoad,
  LoadChunk,
  LoadRequest,
  StagedPart,
  TableColumn,
  TableShape,
} from '../../../../shared/etl/destinations/destination.ts';
import type { Cell, Row } from '../../../../shared/etl/record.ts';

export const loadId = 'a'.repeat(64);

/** Ids of runs in the order they are opened. */
export const runIdOf = (number: number): string =>
  `0199d0a0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export const aColumn = (name: string, changes: Partial<TableColumn> = {}): TableColumn => ({
  name,
  type: 'string',
  nullable: false,
  protection: 'clear',
  metadata: false,
  ...changes,
});

export const aShape = (...columns: readonly TableColumn[]): TableShape => ({
  columns:
    columns.length > 0 ? columns : [aColumn('id'), aColumn('amount', { type: 'integer', nullable: true })],
  key: [columns[0]?.name ?? 'id'],
});

/** A row as the transform stages it: no prototype. */
export const aRow = (cells: Readonly<Record<string, Cell>>): Row =>
  Object.assign(Object.create(null) as Record<string, Cell>, cells);

export function aPart(rows: readonly Row[], changes: Partial<StagedPart> = {}): StagedPart {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return {
    index: 0,
    rows: rows.length,
    digest: createHash('sha256').update(text).digest('hex'),
    async *read() {
      for (let at = 0; at < rows.length; at += 1000) yield rows.slice(at, at + 1000);
    },
    ...changes,
  };
}

export const aChunk = (changes: Partial<LoadChunk> = {}): LoadChunk => ({
  pipeline: 'orders',
  loadId,
  runId: runIdOf(1),
  chunkId: '00000-0123456789abcdef',
  ordinal: 0,
  of: 1,
  fence: 1,
  ...changes,
});

export const neverAborted = new AbortController().signal;

export const aRequest = (
  rows: readonly Row[],
  changes: Partial<LoadRequest> & { readonly by?: Partial<LoadChunk> } = {},
): LoadRequest => {
  const { by, ...rest } = changes;
  return { chunk: aChunk(by), shape: aShape(), parts: [aPart(rows)], signal: neverAborted, ...rest };
};

export const aFinish = (changes: Partial<FinishedLoad> = {}): FinishedLoad => ({
  pipeline: 'orders',
  loadId,
  runId: runIdOf(1),
  of: 1,
  chunkIds: ['00000-0123456789abcdef'],
  shape: aShape(),
  signal: neverAborted,
  ...changes,
});
