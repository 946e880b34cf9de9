import { createSecretKey } from 'node:crypto';
import { parsePipeline } from '../../../../shared/etl/definition/parse-pipeline.ts';
import type { Pipeline } from '../../../../shared/etl/definition/pipeline-schema.ts';
import { refuseDefinition } from '../../../../shared/etl/definition/problem.ts';
import type { Row, SourceRecord } from '../../../../shared/etl/record.ts';
import { compilePlan, type TransformPlan } from '../../../../shared/etl/transforms/plan.ts';
import { createSeenKeys } from '../../../../shared/etl/transforms/seen-keys.ts';
import type { PlanMaterials } from '../../../../shared/etl/transforms/transform.ts';
import { type TransformedBatch, transformBatch } from '../../../../shared/etl/transforms/transform-batch.ts';

/** A definition of a small table of people; whatever is given replaces its part. */
export function aDefinition(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'people',
    owner: 'data@example.com',
    source: { type: 's3', bucket: 'raw-data', prefix: 'people/', format: { type: 'ndjson' } },
    contract: aContract(),
    transforms: [{ type: 'hash_pii', column: 'email', kind: 'email' }],
    destinations: [{ type: 's3', bucket: 'clean-data', table: 'people' }],
    ...changes,
  };
}

export function aContract(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    columns: {
      id: { type: 'string', classification: 'internal' },
      email: { type: 'string', nullable: true, classification: 'pii' },
      age: { type: 'integer', nullable: true, min: 0, classification: 'internal' },
      country: { type: 'string', nullable: true, classification: 'public' },
    },
    key: ['id'],
    ...changes,
  };
}

export function aPipeline(changes: Record<string, unknown> = {}): Pipeline {
  const { pipeline, problems } = parsePipeline(aDefinition(changes));
  if (!pipeline) throw refuseDefinition('of a test', problems);
  return pipeline;
}

/** The same from call to call, so that two plans seal and hash alike. */
export function someMaterials(changes: Partial<PlanMaterials> = {}): PlanMaterials {
  let drawn = 0;
  return {
    run: {
      runId: 'run-1',
      startedAt: new Date('2026-01-01T00:00:00Z'),
      version: '7',
      source: 's3://raw-data/',
    },
    pseudonymKey: { version: 1, key: createSecretKey(Buffer.alloc(32, 1)) },
    dataKey: {
      keyId: 'key-1',
      wrapped: 'd3JhcHBlZA==',
      purpose: { pipeline: 'people', table: 'people', runId: 'run-1' },
      plaintext: new Uint8Array(32).fill(2),
    },
    random: () => (drawn++ % 97) / 97,
    ...changes,
  };
}

export const aPlan = (
  changes: Record<string, unknown> = {},
  materials: Partial<PlanMaterials> = {},
): TransformPlan => compilePlan(aPipeline(changes), someMaterials(materials));

export const recordsOf = (rows: readonly Row[]): SourceRecord[] =>
  rows.map((row, index) => ({ position: { chunkId: 'chunk-1', ordinal: index + 1 }, row }));

/** One batch through one plan, in a window of its own. */
export const transform = (plan: TransformPlan, ...rows: readonly Row[]): TransformedBatch =>
  transformBatch(
    recordsOf(rows),
    plan,
    createSeenKeys(() => 0.5),
  );
