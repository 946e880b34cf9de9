import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RunRecord, type SignedRunRecord, signRunRecord } from '../../../../shared/audit/run-record.ts';
import { createPemSigner } from '../../../../shared/audit/signer.ts';
import { booksOf } from '../../../../shared/etl/books/books.ts';
import { proveRun, type RunEvidence, recordKey } from '../../../../shared/etl/chain/prove-run.ts';
import { type ChainWorld, createChainWorld } from '../../../support/chain-world.ts';
import { keysOf, slotAt } from './scene.ts';

const books = booksOf({ extracted: 3, staged: 3, inserted: 3 });
const at = new Date('2026-11-21T12:00:00.000Z');

const anEvidence = (changes: object = {}): RunEvidence =>
  ({
    run: {
      ...slotAt(),
      runId: 'run-1',
      loadId: 'a'.repeat(64),
      openedAt: at,
      committed: { runId: 'run-1', at },
      configHash: 'config',
      contractVersion: '1',
      manifestDigest: 'b'.repeat(64),
      books,
      ...changes,
    },
    chunks: [{ chunkId: '00000-a', results: { load: { outDigest: 'c'.repeat(64), books } } }],
    manifest: { runId: 'run-1', entries: [] },
    certificates: [],
    connections: [],
    keyIds: ['key-1'],
  }) as unknown as RunEvidence;

let world: ChainWorld;
beforeEach(() => {
  world = createChainWorld();
});

const key = recordKey(anEvidence().run);
const prove = (evidence = anEvidence()) => world.ask((ports) => proveRun(ports, evidence));
const ownSigner = () => world.ask((ports) => ports.signer());
const kinds = async () => (await Array.fromAsync(world.audit.read('orders', 0))).map(({ kind }) => kind);

async function readText(): Promise<string> {
  const found = await world.buckets.records.read(key);
  return Buffer.concat(await Array.fromAsync(found?.bytes ?? [])).toString('utf8');
}
async function write(text: string): Promise<void> {
  const { records } = world.buckets;
  const there = await records.head(key);
  const upload = { key, body: Buffer.from(text) };
  expect(await (there ? records.replace(upload, there.etag) : records.create(upload))).toBeDefined();
}
/** The record of a run like this one, as this signer would have signed it. */
async function recordOf(changes: Partial<RunRecord> = {}): Promise<RunRecord> {
  const scratch = createChainWorld();
  await scratch.ask((ports) => proveRun(ports, anEvidence()));
  const found = await scratch.buckets.records.read(key);
  const text = Buffer.concat(await Array.fromAsync(found?.bytes ?? [])).toString('utf8');
  return { ...(JSON.parse(text) as SignedRunRecord).record, ...changes };
}

describe('the record of a run', () => {
  it('that this very run has kept before it ended stands, whomever it has met since', async () => {
    await prove();
    const before = await readText();
    await world.audit.append('orders', { id: 'another-run/committed', kind: 'committed', at, facts: {} });
    const connection = { host: 'a.example.com', protocol: 'TLSv1.3', cipher: 'x', verified: true };
    await prove({ ...anEvidence(), connections: [connection] });
    expect(await readText()).toBe(before);
    expect(await keysOf(world.buckets.records, key)).toEqual([key]);
    expect((await kinds()).filter((kind) => kind === 'record-signed')).toHaveLength(1);
  });

  it('is locked', async () => {
    await prove();
    const { versionId = '' } = (await world.buckets.records.head(key)) ?? {};
    await expect(world.buckets.records.deleteVersion(key, versionId)).rejects.toThrow('locked');
  });

  it.each<[string, Partial<RunRecord>]>([
    ['run', { runId: 'run-2' }],
    ['pipeline', { pipeline: 'others' }],
    ['load', { loadId: 'd'.repeat(64) }],
    ['scope', { scope: 'another' }],
    ['definition', { configHash: 'another' }],
    ['contract', { contractVersion: '2' }],
    ['manifest', { manifestDigest: 'd'.repeat(64) }],
    ['time', { committedAt: '2026-11-21T13:00:00.000Z' }],
    ['chunk', { chunks: [] }],
    ['sum', { counts: booksOf({ extracted: 4, staged: 4, inserted: 4 }) }],
    ['key', { keyIds: [] }],
  ])('of another %s is not this one, though our key has signed it', async (_what, changes) => {
    await write(JSON.stringify(await signRunRecord(await recordOf(changes), await ownSigner())));
    await expect(prove()).rejects.toMatchObject({ code: 'record-exchanged', disposition: 'give-up' });
    expect(await kinds()).not.toContain('record-signed');
  });

  it('like this one that another key has signed is not this one', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const other = createPemSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const signed = await signRunRecord(await recordOf(), other);
    const named = { ...signed, signature: { ...signed.signature, keyId: (await ownSigner()).keyId } };
    for (const each of [signed, named]) {
      await write(JSON.stringify(each));
      await expect(prove()).rejects.toMatchObject({ code: 'record-exchanged' });
    }
    expect(await kinds()).not.toContain('record-signed');
  });

  it.each(['Jane Doe', 'null', '{}', '{"record":{"pipeline":"orders"}}'])(
    'that is none is not quoted: %s',
    async (text) => {
      await write(text);
      await expect(prove()).rejects.toMatchObject({
        code: 'record-exchanged',
        message: expect.not.stringContaining('Jane'),
      });
    },
  );

  it('with half of a surrogate pair was never signed', async () => {
    const { signature } = await signRunRecord(await recordOf(), await ownSigner());
    await write(JSON.stringify({ record: await recordOf({ scope: '\ud800' }), signature }));
    await expect(prove()).rejects.toMatchObject({ code: 'record-exchanged' });
  });
});
