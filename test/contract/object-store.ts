import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  largestObjectBytes,
  type ObjectStore,
  type ObjectUpload,
} from '../../shared/etl/objects/object-store.ts';

export interface ObjectStoreSubject {
  /** A versioned bucket with Object Lock, empty. */
  readonly store: ObjectStore;
  /** Deletes as any other program would: with a delete marker. */
  deleteLatest(key: string): Promise<void>;
  stop(): Promise<void>;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const anUpload = (key: string, text = `body of ${key}`): ObjectUpload => ({ key, body: bytesOf(text) });
const dayMillis = 86_400_000;

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const gathered: Uint8Array[] = [];
  for await (const piece of pieces) gathered.push(piece);
  return Buffer.concat(gathered);
}

async function listed(store: ObjectStore, prefix: string) {
  const versions = [];
  for await (const version of store.listVersions(prefix)) versions.push(version);
  return versions;
}

/** What every object store promises. */
export function describeObjectStoreContract(name: string, make: () => Promise<ObjectStoreSubject>): void {
  describe(`object store: ${name}`, () => {
    let subject: ObjectStoreSubject;
    let store: ObjectStore;
    beforeAll(async () => {
      subject = await make();
      store = subject.store;
    });
    afterAll(async () => subject?.stop());

    async function created(upload: ObjectUpload) {
      const version = await store.create(upload);
      if (!version) throw new Error(`${upload.key} was taken`);
      return version;
    }
    async function textOf(key: string, versionId?: string): Promise<string | undefined> {
      const found = await store.read(key, { versionId });
      return found && (await gather(found.bytes)).toString();
    }

    it('answers undefined for what nobody wrote', async () => {
      expect(await store.head('absent')).toBeUndefined();
      expect(await store.read('absent')).toBeUndefined();
      expect(await store.replace(anUpload('absent'), '"0"')).toBeUndefined();
      expect(await listed(store, 'absent')).toEqual([]);
    });

    it('answers the bytes and what was said beside them', async () => {
      const metadata = { 'chunk-id': 'orders-7', sha256: 'a b=c' };
      const version = await created({ ...anUpload('told'), contentType: 'application/x-ndjson', metadata });
      expect(version).toMatchObject({ key: 'told', sizeBytes: 12 });
      const head = await store.head('told');
      expect(head).toMatchObject({ ...withoutInstant(version), metadata });
      const read = await store.read('told');
      expect(read?.object).toEqual(head);
      expect(read && (await gather(read.bytes)).toString()).toBe('body of told');
      expect(Math.abs(Number(version.lastModifiedAt) - Number(head?.lastModifiedAt))).toBeLessThan(5000);
    });

    it('keeps an object without bytes', async () => {
      await created({ key: 'empty', body: new Uint8Array() });
      expect(await textOf('empty')).toBe('');
    });

    it('creates where no object is, and nowhere else, not even of the same bytes', async () => {
      const first = await created(anUpload('once'));
      expect(await store.create(anUpload('once'))).toBeUndefined();
      expect(await store.create(anUpload('once', 'other'))).toBeUndefined();
      expect(await store.head('once')).toMatchObject(withoutInstant(first));
    });

    it('lets one of fifty creators win, whose bytes are then there', async () => {
      const creators = Array.from({ length: 50 }, (_, index) =>
        store.create(anUpload('race', `creator ${index}`)),
      );
      const versions = await Promise.all(creators);
      expect(versions.filter((version) => version !== undefined)).toHaveLength(1);
      const winner = versions.findIndex((version) => version !== undefined);
      expect(await textOf('race')).toBe(`creator ${winner}`);
      expect(await listed(store, 'race')).toHaveLength(1);
    });

    it('replaces the version it is told, and no other', async () => {
      const first = await created(anUpload('swap', 'one'));
      const second = await store.replace(anUpload('swap', 'two'), first.etag);
      expect(second?.versionId).not.toBe(first.versionId);
      expect(await store.replace(anUpload('swap', 'three'), first.etag)).toBeUndefined();
      expect(await textOf('swap')).toBe('two');
      expect(await textOf('swap', first.versionId)).toBe('one');
    });

    it('loses no step of writers who each read, add and swap', async () => {
      await created(anUpload('counter', '0'));
      const addOne = async (): Promise<void> => {
        for (;;) {
          const found = await store.read('counter');
          if (!found) throw new Error('the counter is gone');
          const count = Number((await gather(found.bytes)).toString());
          if (await store.replace(anUpload('counter', String(count + 1)), found.object.etag)) return;
        }
      };
      await Promise.all(Array.from({ length: 8 }, addOne));
      expect(await textOf('counter')).toBe('8');
      expect(await listed(store, 'counter')).toHaveLength(9);
    });

    it('carries 20 MiB whole, in pieces', async () => {
      const body = randomBytes(20 * 1024 * 1024);
      await created({ key: 'large', body });
      const read = await store.read('large');
      let [pieces, sizeBytes] = [0, 0];
      const digest = createHash('sha256');
      for await (const piece of read?.bytes ?? []) {
        pieces++;
        sizeBytes += piece.length;
        digest.update(piece);
      }
      expect(sizeBytes).toBe(body.length);
      expect(digest.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
      expect(pieces).toBeGreaterThan(10);
    });

    it('refuses what is too large before it sends anything', async () => {
      const body = new Uint8Array(largestObjectBytes + 1);
      for (const write of [
        store.create({ key: 'huge', body }),
        store.replace({ key: 'huge', body }, '"0"'),
      ]) {
        await expect(write).rejects.toMatchObject({ code: 'object-too-large', disposition: 'bug' });
      }
    });

    it('takes keys as they are, and lists them in the order of their bytes', async () => {
      const keys = [
        'odd/ a b',
        'odd/%2F%zz',
        'odd/+plus&amp;<>"\'',
        'odd/../../up',
        'odd//double/',
        'odd/?q=1#f',
        'odd/line\nend\ttab\r',
        'odd/\u{1f600}',
        'odd/\uff5e',
        'odd/ä',
      ];
      for (const key of keys) await created(anUpload(key));
      for (const key of keys) expect(await textOf(key)).toBe(`body of ${key}`);
      const inOrder = [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      expect((await listed(store, 'odd/')).map(({ key }) => key)).toEqual(inOrder);
      expect((await listed(store, 'odd/+')).map(({ key }) => key)).toEqual(['odd/+plus&amp;<>"\'']);
    });

    it('lists every version of a key, newest first, and says which is the latest', async () => {
      const first = await created(anUpload('versions/a', 'one'));
      const second = await store.replace(anUpload('versions/a', 'two'), first.etag);
      await created(anUpload('versions/b'));
      const versions = await listed(store, 'versions/');
      expect(
        versions.map(({ key, versionId, latest, deleted }) => [key, versionId, latest, deleted]),
      ).toEqual([
        ['versions/a', second?.versionId, true, false],
        ['versions/a', first.versionId, false, false],
        ['versions/b', expect.any(String), true, false],
      ]);
      expect(versions[1]).toMatchObject({ etag: first.etag, sizeBytes: 3 });
    });

    it('takes a delete marker for no object, and still has what it hides', async () => {
      const hidden = await created(anUpload('hidden', 'old'));
      await subject.deleteLatest('hidden');
      expect(await store.head('hidden')).toBeUndefined();
      expect(await store.read('hidden')).toBeUndefined();
      expect(await store.replace(anUpload('hidden'), hidden.etag)).toBeUndefined();
      expect(await textOf('hidden', hidden.versionId)).toBe('old');
      const [marker] = await listed(store, 'hidden');
      expect(marker).toMatchObject({ latest: true, deleted: true, sizeBytes: 0 });
      expect(await store.read('hidden', { versionId: marker?.versionId })).toBeUndefined();
      await store.deleteVersion('hidden', marker?.versionId ?? '');
      expect(await textOf('hidden')).toBe('old');
    });

    it('creates again behind a delete marker', async () => {
      await created(anUpload('again', 'old'));
      await subject.deleteLatest('again');
      await created(anUpload('again', 'new'));
      expect(await textOf('again')).toBe('new');
      expect(await listed(store, 'again')).toHaveLength(3);
    });

    it('erases one version for good, and then the one before is the latest', async () => {
      const first = await created(anUpload('erased', 'one'));
      const second = await store.replace(anUpload('erased', 'two'), first.etag);
      await store.deleteVersion('erased', second?.versionId ?? '');
      expect(await textOf('erased')).toBe('one');
      expect(await store.read('erased', { versionId: second?.versionId })).toBeUndefined();
      await store.deleteVersion('erased', second?.versionId ?? '');
      await store.deleteVersion('erased', first.versionId);
      expect(await listed(store, 'erased')).toEqual([]);
      await created(anUpload('erased', 'anew'));
    });

    it('does not let anybody erase a locked version', async () => {
      const lockedUntil = new Date(Date.now() + dayMillis);
      const version = await created({ ...anUpload('locked'), lockedUntil });
      await expect(store.deleteVersion('locked', version.versionId)).rejects.toMatchObject({
        code: 'objects-denied',
        disposition: 'give-up',
      });
      expect(await store.replace(anUpload('locked', 'new'), version.etag)).toBeDefined();
      expect(await textOf('locked', version.versionId)).toBe('body of locked');
    });

    it('stops reading when its caller does', async () => {
      await created({ key: 'stopped', body: randomBytes(2 * 1024 * 1024) });
      const stop = new AbortController();
      const read = await store.read('stopped', { signal: stop.signal });
      const reason = new Error('enough');
      const reading = async () => {
        for await (const _ of read?.bytes ?? []) stop.abort(reason);
      };
      await expect(reading()).rejects.toBe(reason);
      await expect(store.read('stopped', { signal: stop.signal })).rejects.toBe(reason);
    });
  });
}

function withoutInstant<Version extends { lastModifiedAt: Date }>(version: Version) {
  const { lastModifiedAt: _, ...rest } = version;
  return rest;
}
