import { describe, expect, it } from 'vitest';
import { decideLoad } from '../../../../shared/etl/destinations/load-precedence.ts';
import { aLoadChunk, runIds } from '../../../contract/etl-destination.ts';

const figures = { inserted: 2, updated: 0, unchanged: 0 };
const loaded = { runId: runIds[1], fence: 2, rows: 2, figures };
const decide = (runId: string, fence: number, rows = 2) =>
  decideLoad(aLoadChunk({ runId, fence }), rows, { newestRunId: runIds[1], loaded });

describe('a chunk that the target holds', () => {
  it('is answered as before to its own run, under the same fence and under later ones', () => {
    expect(decide(runIds[1], 2)).toEqual({ kind: 'done', figures });
    expect(decide(runIds[1], 3)).toEqual({ kind: 'done', figures });
  });

  it('is loaded again for its own run where that has staged another number of rows since', () => {
    expect(decide(runIds[1], 3, 1)).toEqual({ kind: 'load' });
  });

  it('is loaded for a later run, whatever its fence', () => {
    expect(decide(runIds[2], 1)).toEqual({ kind: 'load' });
  });

  it('is kept from an earlier run, and from a worker that lost it', () => {
    expect(decide(runIds[0], 9)).toEqual({ kind: 'superseded' });
    expect(decide(runIds[1], 1)).toEqual({ kind: 'superseded' });
  });
});

describe('a chunk that the target does not hold', () => {
  const absent = (newestRunId: string | undefined) =>
    decideLoad(aLoadChunk({ runId: runIds[1] }), 2, { newestRunId, loaded: undefined });

  it('is loaded for the newest run, and for no other', () => {
    expect(absent(undefined)).toEqual({ kind: 'load' });
    expect(absent(runIds[1])).toEqual({ kind: 'load' });
    expect(absent(runIds[2])).toEqual({ kind: 'superseded' });
  });
});
