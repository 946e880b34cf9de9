import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Compression, chooseCompression } from '../../../../shared/etl/records/compression.ts';
import { readAll } from './read-all.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('chooseCompression', () => {
  it.each<[string | undefined, string | undefined, Compression]>([
    [undefined, undefined, 'none'],
    ['', 'orders.ndjson', 'none'],
    ['identity', 'orders.ndjson', 'none'],
    ['gzip', undefined, 'gzip'],
    ['GZip', 'orders.ndjson', 'gzip'],
    ['x-gzip', undefined, 'gzip'],
    [' br ', undefined, 'br'],
    ['zstd', undefined, 'zstd'],
    ['deflate', undefined, 'deflate'],
    ['identity, gzip', undefined, 'gzip'],
    [undefined, 'orders.ndjson.gz', 'gzip'],
    [undefined, 'ORDERS.CSV.GZ', 'gzip'],
    [undefined, 'orders.csv.br', 'br'],
    [undefined, 'orders.csv.zst', 'zstd'],
    [undefined, 'gz', 'none'],
    ['gzip', 'orders.ndjson.gz', 'gzip'],
  ])('takes Content-Encoding %j and the name %j for %s', (contentEncoding, name, expected) => {
    expect(chooseCompression({ contentEncoding, name })).toBe(expected);
  });

  it.each([
    ['gzip, gzip', undefined, 'compression-nested'],
    ['gzip, br', undefined, 'compression-nested'],
    ['br', 'orders.csv.gz', 'compression-nested'],
    ['compress', undefined, 'compression-unsupported'],
    ['constructor', undefined, 'compression-unsupported'],
    [undefined, 'orders.zip', 'compression-unsupported'],
    [undefined, 'orders.tar.gz', 'compression-unsupported'],
    ['gzip', 'orders.tgz', 'compression-unsupported'],
    [undefined, 'orders.csv.bz2', 'compression-unsupported'],
  ])('refuses Content-Encoding %j over the name %j', (contentEncoding, name, code) => {
    expect(() => chooseCompression({ contentEncoding, name })).toThrow(
      expect.objectContaining({ code, disposition: 'give-up' }),
    );
  });
});

const codecs = [
  ['gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['br', zlib.brotliCompressSync],
  ['zstd', zlib.zstdCompressSync],
] as const;

describe.each(codecs)('a stream compressed by %s', (compression, compress) => {
  const format = { type: 'ndjson' } as const;
  const texts = fc.array(fc.string({ maxLength: 50 }), { minLength: 1, maxLength: 20 });

  it('is read as the plain text is, however it is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 50 }), async (values, chunkBytes) => {
        const bytes = compress(Buffer.from(values.map((a) => JSON.stringify({ a })).join('\n')));
        const { records, failure } = await readAll(bytes, { format, compression, chunkBytes });
        expect(failure).toBeUndefined();
        expect(records.map(({ row }) => row.a)).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused wherever it is cut short', async () => {
    const bytes = compress(Buffer.from('{"a":1}\n{"a":2}\n'));
    for (let length = 0; length < bytes.length; length += 1) {
      const { failure } = await readAll(bytes.subarray(0, length), { format, compression });
      expect(failure?.code).toBe('archive-broken');
    }
  });

  it('stops soon after a bomb has shown itself', async () => {
    const bomb = compress(Buffer.alloc(20_000_000, '{"a":1}\n'));
    const { records, failure } = await readAll(bomb, { format, compression, chunkBytes: 1024 });
    expect(failure?.code).toBe('expansion-ratio-exceeded');
    expect(records.length * 8).toBeLessThan(2_000_000);
  });
});
