import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** The work every contender does, as certfleet's definition; the peers say the same in their own words. */
export const definition = {
  name: 'orders-bench',
  owner: 'bench@example.com',
  source: { type: 's3', bucket: 'bench', prefix: 'orders/', format: { type: 'ndjson' } },
  contract: {
    columns: {
      order_id: { type: 'string', maxLength: 32, classification: 'internal' },
      ordered_at: { type: 'timestamp', classification: 'internal' },
      status: { type: 'string', enum: ['placed', 'paid', 'shipped', 'test'], classification: 'internal' },
      country: { type: 'string', minLength: 2, maxLength: 2, classification: 'internal' },
      amount: { type: 'number', min: 0, classification: 'internal' },
      items: { type: 'integer', min: 1, max: 1_000, classification: 'internal' },
      email: { type: 'string', maxLength: 254, classification: 'pii' },
      phone: { type: 'string', nullable: true, maxLength: 32, classification: 'pii' },
    },
    key: ['order_id'],
  },
  transforms: [
    { type: 'filter', keep: 'row.status != "test" && row.items > 0' },
    { type: 'hash_pii', column: 'email', kind: 'email' },
    { type: 'hash_pii', column: 'phone', kind: 'phone' },
    { type: 'add_metadata' },
  ],
  destinations: [{ type: 's3', bucket: 'bench', table: 'orders', format: 'ndjson' }],
} as const;

/** The same for all, so that their outputs can be compared byte by byte where they write the same form. */
export const materials = {
  key: 'a bench key, 32 bytes of ASCII..',
  run: {
    runId: '01940000-0000-7000-8000-000000000000',
    startedAt: new Date('2026-01-01T00:00:00.000Z'),
    version: '1',
    source: 's3://bench/orders/',
  },
} as const;

const statuses = ['placed', 'paid', 'shipped', 'paid', 'paid', 'shipped', 'placed', 'test'];
const countries = ['DE', 'FR', 'GB', 'US', 'JP', 'BR'];

/** Row n of the input; no two people alike, so that no cache can answer for a hash. */
function describeRow(n: number): string {
  return JSON.stringify({
    order_id: `ORD-${String(n).padStart(8, '0')}`,
    ordered_at: new Date(1_767_225_600_000 + n * 1_000).toISOString(),
    status: statuses[n % statuses.length],
    country: countries[n % countries.length],
    amount: ((n * 7_919) % 100_000) / 100,
    items: (n % 9) + 1,
    email: `Person.${n}@customers.example.com`,
    phone: n % 10 === 0 ? null : `+49 170 ${String(n).padStart(7, '0')}`,
  });
}

const rowsAtOnce = 5_000;

/** Writes the input of the bench. */
export async function writeInput(path: string, rows: number): Promise<void> {
  const file = createWriteStream(path);
  for (let from = 0; from < rows; from += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - from);
    const lines = Array.from({ length: count }, (_, index) => `${describeRow(from + index)}\n`);
    if (!file.write(lines.join(''))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}
