import { gzipSync } from 'node:zlib';
import { createMemoryObjectStore } from '../../shared/etl/objects/store.memory.ts';
import { createHttpsSource } from '../../shared/etl/sources/https/https-source.ts';
import type { HttpsDefinition } from '../../shared/etl/sources/https/pagination.ts';
import { createS3Source } from '../../shared/etl/sources/s3.ts';
import { type ApiShape, apiHost, makeOrders, startOrdersApi } from '../shared/etl/sources/orders-api.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { describeSourceContract, type SourceScene } from './etl-source.ts';

const window = { from: new Date('2026-11-22T10:00:00Z'), to: new Date('2026-11-22T10:50:00Z') };
const emptyWindow = { from: new Date('2026-11-23T10:00:00Z'), to: new Date('2026-11-23T11:00:00Z') };
/** Ten before the window, forty in it, ten behind it: those of 10:10 to 10:49 and 10:50 to 10:59. */
const orders = makeOrders(60);
const expected = orders.slice(10, 50).map(({ id }) => id);
const values = orders.map(({ email }) => email);

const formats: Readonly<Record<ApiShape['format'], HttpsDefinition['format']>> = {
  json: { type: 'json', path: '/data/items' },
  ndjson: { type: 'ndjson' },
  csv: { type: 'csv', delimiter: ',', quote: '"' },
};
const paginations: Readonly<Record<ApiShape['pagination'], HttpsDefinition['pagination']>> = {
  none: undefined,
  page: { type: 'page', parameter: 'page', first: 1, sizeParameter: 'size', size: 7 },
  cursor: { type: 'cursor', parameter: 'after', next: '/data/next' },
  link: { type: 'link' },
};

async function makeHttpsScene(shape: Omit<ApiShape, 'orders' | 'pageSize'>): Promise<SourceScene> {
  const api = await startOrdersApi({ ...shape, orders, pageSize: 7 });
  const pair = await api.server.ca.issue({ domains: ['etl.example.com'], usages: ['clientAuth'] });
  const client = { name: 'etl', certificatePem: pair.fullchainPem, privateKeyPem: pair.privateKeyPem };
  const source = createHttpsSource({
    definition: {
      type: 'https',
      url: `https://${apiHost}/v2/orders?shop=1`,
      format: formats[shape.format],
      pagination: paginations[shape.pagination],
      watermark: { column: 'at', parameter: 'since', overlapSeconds: 0 },
    },
    peer: { ...api.server.peer, client },
    clock: createFakeClock(window.to),
    random: () => 0,
  });
  const hasCheckpoints = shape.pagination !== 'none';
  const stop = () => api.server.stop();
  return { source, window, emptyWindow, expected, idColumn: 'id', values, hasCheckpoints, stop };
}

for (const pagination of ['none', 'page', 'cursor', 'link'] as const) {
  for (const format of ['json', 'ndjson', 'csv'] as const) {
    if (pagination === 'cursor' && format !== 'json') continue;
    describeSourceContract(`HTTPS, ${format}, pages by ${pagination}`, () =>
      makeHttpsScene({ pagination, format }),
    );
  }
}
describeSourceContract('HTTPS, json by cursor, gzip', () =>
  makeHttpsScene({ pagination: 'cursor', format: 'json', gzip: true }),
);

async function makeS3Scene(format: HttpsDefinition['format'], name: string): Promise<SourceScene> {
  const clock = createFakeClock(new Date('2026-11-22T09:00:00Z'));
  const objects = createMemoryObjectStore(clock);
  const line = (id: string, index: number) => `${JSON.stringify({ id, email: values[index] })}\n`;
  const bodyOf = (ids: readonly string[]) => Buffer.from(ids.map(line).join(''));
  const put = (key: string, body: Uint8Array) => objects.create({ key, body });
  await put('in/too-early.ndjson', bodyOf(['early']));
  clock.advance(75 * 60_000);
  const ids = Array.from({ length: 2_500 }, (_, index) => `row-${index}`);
  await put('in/b.ndjson', bodyOf(['b-1', 'b-2']));
  await put(`in/a${name}`, name.endsWith('.gz') ? gzipSync(bodyOf(ids)) : bodyOf(ids));
  await put('elsewhere/c.ndjson', bodyOf(['c-1']));
  await put('in/empty/', new Uint8Array());
  clock.advance(60 * 60_000);
  await put('in/too-late.ndjson', bodyOf(['late']));
  return {
    source: createS3Source({ definition: { type: 's3', bucket: 'drop', prefix: 'in/', format }, objects }),
    window,
    emptyWindow,
    expected: [...ids, 'b-1', 'b-2'],
    idColumn: 'id',
    values,
    hasCheckpoints: true,
    stop: async () => undefined,
  };
}

describeSourceContract('S3 objects, ndjson', () => makeS3Scene({ type: 'ndjson' }, '.ndjson'));
describeSourceContract('S3 objects, ndjson, gzip', () => makeS3Scene({ type: 'ndjson' }, '.ndjson.gz'));
