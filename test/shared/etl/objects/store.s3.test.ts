import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { type EmbeddedS3, startS3 } from '../../../../local/aws/s3.ts';
import { portOf } from '../../../../local/loopback.ts';
import { createS3ObjectStore } from '../../../../shared/etl/objects/store.s3.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function connect(endpoint: string, socketTimeout = 20_000): S3Client {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const requestHandler = { socketTimeout };
  const client = new S3Client({ endpoint, region: 'eu-west-1', maxAttempts: 1, credentials, requestHandler });
  stops.push(() => client.destroy());
  return client;
}

/** A bucket whose every answer is the listener's. */
async function storeOver(listener: RequestListener, socketTimeout?: number) {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return createS3ObjectStore(connect(`http://127.0.0.1:${portOf(server)}`, socketTimeout), 'parts');
}

const refusing =
  (status: number, code: string): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<Error><Code>${code}</Code><Message>secret of the key</Message></Error>`);
  };

async function embedded(): Promise<{ server: EmbeddedS3; client: S3Client }> {
  const server = await startS3({});
  stops.push(server.stop);
  return { server, client: connect(server.endpoint) };
}

const anUpload = { key: 'a', body: Buffer.from('hello') };
const drain = async (pieces: AsyncIterable<Uint8Array> | undefined) => {
  for await (const _ of pieces ?? []);
};

describe('what S3 refuses', () => {
  it.each([
    [403, 'AccessDenied', 'objects-denied', 'give-up'],
    [404, 'NoSuchBucket', 'objects-denied', 'give-up'],
    [301, 'PermanentRedirect', 'objects-denied', 'give-up'],
    [400, 'InvalidRequest', 'objects-denied', 'give-up'],
    [400, 'RequestTimeout', 'objects-unavailable', 'retry'],
    [409, 'ConditionalRequestConflict', 'objects-unavailable', 'retry'],
    [500, 'InternalError', 'objects-unavailable', 'retry'],
    [503, 'SlowDown', 'objects-unavailable', 'retry'],
  ])('with %i %s is %s, without its text', async (status, name, code, disposition) => {
    const store = await storeOver(refusing(status, name));
    const calls = [
      store.create(anUpload),
      store.replace(anUpload, '"0"'),
      store.read('a'),
      store.deleteVersion('a', 'v'),
      Array.fromAsync(store.listVersions('')),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code, disposition, cause: undefined } });
      expect(String((call as PromiseRejectedResult).reason)).toContain('parts');
      expect(String((call as PromiseRejectedResult).reason)).not.toContain('secret');
    }
  });

  it('without a body, as to HEAD, is told by its status', async () => {
    const store = await storeOver(refusing(403, 'AccessDenied'));
    await expect(store.head('a')).rejects.toMatchObject({ code: 'objects-denied' });
  });

  it('is no absence where the bucket is missing', async () => {
    const { client } = await embedded();
    const store = createS3ObjectStore(client, 'absent');
    await expect(store.read('a')).rejects.toMatchObject({ code: 'objects-denied' });
  });
});

it('nobody answering is objects-unavailable', async () => {
  const store = createS3ObjectStore(connect('http://127.0.0.1:1'), 'parts');
  for (const call of [store.head('a'), store.create(anUpload)]) {
    await expect(call).rejects.toMatchObject({ code: 'objects-unavailable', disposition: 'retry' });
  }
});

it('a write that meets another is made again, and then decided', async () => {
  const answers: RequestListener[] = [refusing(409, 'ConditionalRequestConflict')];
  const store = await storeOver((request, response) => {
    const first = answers.shift();
    if (first) return first(request, response);
    response.writeHead(200, { etag: '"1"', 'x-amz-version-id': 'v1', date: 'Sun, 22 Nov 2026 08:00:00 GMT' });
    response.end();
  });
  expect(await store.create(anUpload)).toEqual({
    key: 'a',
    versionId: 'v1',
    etag: '"1"',
    sizeBytes: 5,
    lastModifiedAt: new Date('2026-11-22T08:00:00Z'),
  });
});

describe('bytes', () => {
  const answering =
    (headers: Record<string, string>, body: string): RequestListener =>
    (_, response) => {
      response.writeHead(200, { etag: '"1"', 'x-amz-version-id': 'v1', ...headers });
      response.end(body);
    };

  it('that differ from their checksum are refused', async () => {
    const store = await storeOver(answering({ 'x-amz-checksum-crc32': 'AAAAAA==' }, 'hello'));
    const reading = drain((await store.read('a'))?.bytes);
    await expect(reading).rejects.toMatchObject({ code: 'object-changed', disposition: 'give-up' });
  });

  it('that end before their size are asked for again', async () => {
    const store = await storeOver((_, response) => {
      response.writeHead(200, { 'content-length': '100', etag: '"1"' });
      response.write('hello', () => response.destroy());
    });
    const reading = drain((await store.read('a'))?.bytes);
    await expect(reading).rejects.toMatchObject({ code: 'objects-unavailable', disposition: 'retry' });
  });

  it('that stand still are asked for again', async () => {
    const store = await storeOver((_, response) => {
      response.writeHead(200, { 'content-length': '100', etag: '"1"' });
      response.write('hello');
    }, 300);
    const reading = drain((await store.read('a'))?.bytes);
    await expect(reading).rejects.toMatchObject({ code: 'objects-unavailable', disposition: 'retry' });
  });

  it('beyond what this store writes are refused', async () => {
    const store = await storeOver((_, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 30), etag: '"1"' });
      response.write('hello');
    });
    const reading = drain((await store.read('a'))?.bytes);
    await expect(reading).rejects.toMatchObject({ code: 'object-changed' });
  });

  it('without an announced size are refused', async () => {
    const store = await storeOver(answering({ 'transfer-encoding': 'chunked' }, 'hello'));
    const reading = drain((await store.read('a'))?.bytes);
    await expect(reading).rejects.toMatchObject({ code: 'object-changed' });
  });
});

it('objects are encrypted under the key that is named', async () => {
  const sent: PutObjectCommand['input'][] = [];
  const client = {
    send: async (command: PutObjectCommand) => {
      sent.push(command.input);
      return { ETag: '"1"', VersionId: 'v1', $metadata: {} };
    },
  } as unknown as Pick<S3Client, 'send'>;
  await createS3ObjectStore(client, 'parts', { kmsKey: 'alias/parts' }).create(anUpload);
  await createS3ObjectStore(client, 'parts').create(anUpload);
  expect(sent[0]).toMatchObject({
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: 'alias/parts',
    BucketKeyEnabled: true,
  });
  expect(sent[1]).not.toHaveProperty('ServerSideEncryption');
});

it('lists thousands of versions, page by page', async () => {
  const { server, client } = await embedded();
  server.createBucket({ name: 'parts', versioned: true, objectLock: false });
  const names = Array.from({ length: 2100 }, (_, index) => `p/${String(index).padStart(5, '0')} +`);
  for (let at = 0; at < names.length; at += 100) {
    const some = names.slice(at, at + 100);
    await Promise.all(
      some.map((Key) => client.send(new PutObjectCommand({ Bucket: 'parts', Key, Body: 'x' }))),
    );
  }
  const found = await Array.fromAsync(createS3ObjectStore(client, 'parts').listVersions('p/'));
  expect(found.map(({ key }) => key)).toEqual(names);
});
