import { createSecretKey, randomBytes } from 'node:crypto';
import type { ExampleOrder } from '../../../local/etl/example-orders.ts';
import type { ExpectedBooks } from '../../../local/etl/expected-books.ts';
import type { QuarantinedRecord, SourceRecord } from '../../../shared/etl/record.ts';
import { readRecords } from '../../../shared/etl/records/read-records.ts';
import { compilePlan } from '../../../shared/etl/transforms/plan.ts';
import { createSeenKeys } from '../../../shared/etl/transforms/seen-keys.ts';
import { transformBatch } from '../../../shared/etl/transforms/transform-batch.ts';
import { systemRandom } from '../../../shared/runtime/random.ts';
import { examplePipeline } from './builders.ts';

/** Orders taken through the example's format, contract and transforms. */
export async function exampleRun(orders: readonly ExampleOrder[]): Promise<{
  books: ExpectedBooks;
  /** Keys of the staged rows. */
  keys: ReadonlySet<unknown>;
  /** Everything that goes to a destination or a report, as text. */
  leaving: string;
}> {
  const pipeline = examplePipeline();
  const plan = compilePlan(pipeline, {
    run: { runId: 'run', startedAt: new Date(), version: '1', source: 'https://api.shop.example.com' },
    pseudonymKey: { version: 1, key: createSecretKey(randomBytes(32)) },
    dataKey: {
      keyId: 'key',
      wrapped: '',
      purpose: { pipeline: 'orders', table: 'orders', runId: 'run' },
      plaintext: randomBytes(32),
    },
    random: systemRandom,
  });
  const records: SourceRecord[] = [];
  const unreadable: QuarantinedRecord[] = [];
  const body = JSON.stringify({ data: { items: orders.map(({ record }) => record), next: null } });
  const bytes = (async function* () {
    yield Buffer.from(body);
  })();
  const format = { type: 'json', path: '/data/items' } as const;
  for await (const readings of readRecords({ chunkId: 'chunk', bytes, format })) {
    for (const reading of readings) {
      if (reading.kind === 'record') records.push(reading.record);
      else unreadable.push(reading.quarantined);
    }
  }
  const batch = transformBatch(records, plan, createSeenKeys(systemRandom));
  const quarantined = [...unreadable, ...batch.quarantined];
  const codes = quarantined.flatMap(({ reasons }) => reasons.map(({ code }) => code));
  return {
    books: {
      extracted: records.length + unreadable.length,
      filtered: batch.filtered,
      quarantined: quarantined.length,
      duplicates: batch.duplicates,
      staged: batch.accepted.length,
      quarantineCodes: Object.fromEntries(
        Object.entries(Object.groupBy(codes, (code) => code)).map(([code, all = []]) => [code, all.length]),
      ),
      unknownColumns: batch.drift.columns,
    },
    keys: new Set(batch.accepted.map(({ row }) => row.order_id)),
    leaving: JSON.stringify([
      batch.accepted.map(({ row }) => row),
      quarantined.map(({ reasons }) => reasons),
      batch.drift,
      batch.quality,
    ]),
  };
}
