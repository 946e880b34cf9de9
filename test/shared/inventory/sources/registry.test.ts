import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedS3, startS3 } from '../../../../local/aws/s3.ts';
import { portOf } from '../../../../local/loopback.ts';
import { type InventoryAccess, readInventory } from '../../../../shared/inventory/sources/registry.ts';

const inventory = '[{"domain": "bücher.example.com"}]';
const read = (location: string, access: Partial<InventoryAccess> = {}) =>
  readInventory(location, { signal: new AbortController().signal, ...access });

describe('an inventory file', () => {
  let directory: string;
  let path: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'certfleet-inventory-'));
    path = join(directory, 'my domains.json');
    await writeFile(path, inventory);
    await writeFile(join(directory, 'bom.json'), `\ufeff${inventory}`);
    await writeFile(join(directory, 'latin1.json'), Buffer.from('["b\xfccher"]', 'latin1'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('is read by its path or its file URL', async () => {
    expect(await read(path)).toBe(inventory);
    expect(await read(pathToFileURL(path).href)).toBe(inventory);
  });

  test('loses its byte order mark', async () => {
    expect(await read(join(directory, 'bom.json'))).toBe(inventory);
  });

  test.each([
    ['absent.json', 'inventory-missing', /absent\.json" does not exist; check the path/],
    ['my domains.json/x', 'inventory-missing', /does not exist/],
    ['.', 'inventory-unreadable', /is not a regular file/],
    ['latin1.json', 'inventory-unreadable', /is not UTF-8 text/],
  ])('is refused at %s with %s', async (name, code, message) => {
    await expect(read(join(directory, name))).rejects.toMatchObject({
      code,
      disposition: 'give-up',
      message: expect.stringMatching(message),
    });
  });

  test('is not read beyond the size allowed', async () => {
    await expect(read(path, { maximumBytes: 10 })).rejects.toMatchObject({ code: 'inventory-too-large' });
    await expect(read(path, { maximumBytes: Buffer.byteLength(inventory) })).resolves.toBe(inventory);
  });

  test('is not read for a caller who gave up', async () => {
    await expect(read(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'inventory-unreadable',
      disposition: 'retry',
    });
  });

  test.each(['https://example.com/domains.json', 'constructor://x/y'])(
    'is not looked for at %s, whose scheme is no source',
    async (location) => {
      await expect(read(location)).rejects.toMatchObject({
        code: 'inventory-unreadable',
        message: expect.stringContaining('give a path, file:///path or s3://bucket/key'),
      });
    },
  );
});

describe('an inventory in S3', () => {
  let server: EmbeddedS3;
  let client: S3Client;
  const clientOf = (endpoint: string) =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });

  beforeAll(async () => {
    server = await startS3({});
    server.createBucket({ name: 'fleet', versioned: true, objectLock: false });
    client = clientOf(server.endpoint);
    const put = { Bucket: 'fleet', Key: 'team a/domains.json', Body: inventory };
    await client.send(new PutObjectCommand(put));
    await client.send(new PutObjectCommand({ ...put, Key: 'empty.json', Body: new Uint8Array() }));
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  const readFromS3 = (location: string, access: Partial<InventoryAccess> = {}) =>
    read(location, { s3: () => client, ...access });

  test('is read by bucket and key, the key as written', async () => {
    expect(await readFromS3('s3://fleet/team a/domains.json')).toBe(inventory);
    expect(await readFromS3('s3://fleet/empty.json')).toBe('');
  });

  test.each([
    ['s3://fleet/absent.json', 'inventory-missing', /does not exist; upload it or check the key/],
    ['s3://absent/domains.json', 'inventory-missing', /a bucket that does not exist/],
    ['s3://fleet', 'inventory-unreadable', /not of the form s3:\/\/bucket\/key/],
    ['s3://fleet/', 'inventory-unreadable', /not of the form s3:\/\/bucket\/key/],
  ])('is refused at %s with %s', async (location, code, message) => {
    await expect(readFromS3(location)).rejects.toMatchObject({
      code,
      disposition: 'give-up',
      message: expect.stringMatching(message),
    });
  });

  test('is not read beyond the size allowed', async () => {
    const reading = readFromS3('s3://fleet/team a/domains.json', { maximumBytes: 10 });
    await expect(reading).rejects.toMatchObject({ code: 'inventory-too-large' });
  });

  test('is tried again where S3 does not answer, or stops in the middle', async () => {
    const stalled = createServer((request, response) => {
      if (request.url?.includes('half')) response.writeHead(200, { 'content-length': '100' }).write('[');
    });
    stalled.listen(0, '127.0.0.1');
    await once(stalled, 'listening');
    const slow = clientOf(`http://127.0.0.1:${portOf(stalled)}`);
    const access = { s3: () => slow, timeoutMillis: 200 };
    try {
      for (const key of ['silent', 'half']) {
        await expect(read(`s3://fleet/${key}.json`, access)).rejects.toMatchObject({
          code: 'inventory-unreadable',
          disposition: 'retry',
          message: expect.stringContaining('could not be read in time'),
        });
      }
    } finally {
      slow.destroy();
      stalled.closeAllConnections();
      stalled.close();
    }
    const refused = { s3: () => slow };
    await expect(read('s3://fleet/x.json', refused)).rejects.toMatchObject({ disposition: 'retry' });
  });
});
