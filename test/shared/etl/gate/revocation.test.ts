import { X509Certificate } from 'node:crypto';
import { Extension } from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRevocation } from '../../../../shared/etl/gate/revocation.ts';
import { readRevocationList } from '../../../../shared/etl/gate/revocation-list.ts';
import { readCertificates } from '../../../../shared/etl/gate/trust-path.ts';
import {
  createTestCa,
  type RevocationListRequest,
  type TestCa,
  type TestPair,
} from '../../../support/test-ca.ts';

const url = 'http://crl.example.com/leaves.crl';
const rootUrl = 'http://crl.example.com/authorities.crl';
const hourMillis = 3_600_000;
const hoursFromNow = (hours: number) => new Date(Date.now() + hours * hourMillis);

let ca: TestCa;
let leaf: TestPair;
beforeAll(async () => {
  ca = await createTestCa('Listed Root', { issuerRevocationUrls: [rootUrl] });
  leaf = await ca.issue({ domains: ['a.example.com'], serial: '00a1', revocationUrls: [url] });
});

/** Lists by their URL; an absent one cannot be fetched. */
function serve(lists: Record<string, Promise<Buffer> | Buffer>) {
  const fetched: string[] = [];
  const revocation = createRevocation({
    async fetchList(each) {
      fetched.push(each);
      const list = lists[each];
      if (!list) throw new Error('the list cannot be fetched');
      return await list;
    },
  });
  const check = (pair: TestPair, options: { now?: Date; roots?: string; signal?: AbortSignal } = {}) =>
    revocation({
      chain: readCertificates(pair.fullchainPem),
      roots: ca.rootPem,
      now: new Date(),
      signal: new AbortController().signal,
      ...options,
    });
  return { check, fetched };
}

const noneRevoked = () => ({ [url]: ca.listRevoked(), [rootUrl]: ca.listRevoked({ by: 'root' }) });
const listed = (request: RevocationListRequest) =>
  serve({ ...noneRevoked(), [url]: ca.listRevoked(request) }).check(leaf);

describe('a certificate', () => {
  it('is good when neither it nor its intermediate is on a list', async () => {
    expect(await serve(noneRevoked()).check(leaf)).toEqual({ state: 'good' });
    expect(await listed({ revokedSerials: ['a2', '0100a1', 'a100'] })).toEqual({ state: 'good' });
  });

  it('is revoked when its serial number is on the list', async () => {
    expect(await listed({ revokedSerials: ['a2', 'a1'] })).toMatchObject({ state: 'revoked' });
  });

  it('is revoked with its intermediate', async () => {
    const lists = { ...noneRevoked(), [rootUrl]: ca.listRevoked({ by: 'root', revokedSerials: ['02'] }) };
    expect(await serve(lists).check(leaf)).toEqual({
      state: 'revoked',
      why: expect.stringContaining('Listed Root Issuer'),
    });
  });

  it('cannot be checked when it names no list', async () => {
    const silent = await ca.issue({ domains: ['b.example.com'] });
    expect(await serve(noneRevoked()).check(silent)).toEqual({ state: 'not-checkable' });
  });

  it('may name several lists, of which one is enough', async () => {
    const twice = await ca.issue({
      domains: ['b.example.com'],
      revocationUrls: ['http://gone.example/x', url],
    });
    expect(await serve(noneRevoked()).check(twice)).toEqual({ state: 'good' });
  });

  it('of a private CA is checked as far as its own chain goes', async () => {
    const client = serve({ [url]: ca.listRevoked({ revokedSerials: ['a1'] }) });
    expect(await client.check(leaf, { roots: (await createTestCa()).rootPem })).toMatchObject({
      state: 'revoked',
    });
    const bare = { ...leaf, fullchainPem: leaf.leafPem };
    expect(await client.check(bare, { roots: (await createTestCa()).rootPem })).toMatchObject({
      state: 'unknown',
    });
  });
});

/** An IssuingDistributionPoint (RFC 5280, 5.2.5) of what is within its sequence. */
const issuingPoint = (...parts: number[]) =>
  new Extension('2.5.29.28', true, Uint8Array.from([0x30, parts.length, ...parts]));
const pointAt = (where: string) => {
  const name = [...Buffer.from(where)];
  const wrap = (tag: number, content: number[]) => [tag, content.length, ...content];
  return issuingPoint(...wrap(0xa0, wrap(0xa0, wrap(0x86, name))));
};

describe('a list that holds', () => {
  it.each([
    ['says it is this one', () => [pointAt(url)]],
    ['is about leaves alone', () => [issuingPoint(0x81, 1, 0xff)]],
    [
      'has an unknown extension that may be ignored',
      () => [new Extension('1.2.3.4', false, new Uint8Array([5, 0]))],
    ],
  ])('%s', async (_, extensions) => {
    expect(await listed({ extensions: extensions() })).toEqual({ state: 'good' });
  });
});

describe('nothing is known by a list that', () => {
  it.each<[string, RevocationListRequest]>([
    ['is out of date', { thisUpdate: hoursFromNow(-9), nextUpdate: hoursFromNow(-1) }],
    ['does not say until when it holds', { nextUpdate: undefined }],
    ['is from the future', { thisUpdate: hoursFromNow(1), nextUpdate: hoursFromNow(9) }],
    ['is another one of the same CA', { extensions: [pointAt('http://crl.example.com/other.crl')] }],
    ['is about authorities alone', { extensions: [issuingPoint(0x82, 1, 0xff)] }],
    ['is about some reasons alone', { extensions: [issuingPoint(0x83, 2, 6, 0x40)] }],
    ['is indirect', { extensions: [issuingPoint(0x84, 1, 0xff)] }],
    ['is a delta', { extensions: [new Extension('2.5.29.27', true, new Uint8Array([2, 1, 1]))] }],
    [
      'has an unknown critical extension',
      { extensions: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] },
    ],
    ['is of another issuer', { by: 'root' }],
  ])('%s', async (_, request) => {
    expect(await listed(request)).toMatchObject({ state: 'unknown', why: expect.stringContaining('a1') });
  });

  it('cannot be fetched or read, is forged, or is of a CA of the same name', async () => {
    const namesake = await createTestCa('Listed Root');
    const forged = Buffer.from(await ca.listRevoked());
    forged.writeUInt8(forged.readUInt8(60) ^ 1, 60);
    const bad = [Buffer.alloc(0), Buffer.from('not DER'), (await ca.listRevoked()).subarray(0, -9), forged];
    for (const list of [...bad, await namesake.listRevoked()])
      expect(await serve({ ...noneRevoked(), [url]: list }).check(leaf)).toMatchObject({ state: 'unknown' });
    expect(await serve({}).check(leaf)).toMatchObject({ state: 'unknown' });
  });
});

describe('a list is fetched', () => {
  it('once until its next update', async () => {
    const soon = { ...noneRevoked(), [url]: ca.listRevoked({ nextUpdate: hoursFromNow(0.5) }) };
    const { check, fetched } = serve(soon);
    await check(leaf);
    await check(leaf, { now: hoursFromNow(0.4) });
    expect(fetched.toSorted()).toEqual([rootUrl, url]);
    expect(await check(leaf, { now: hoursFromNow(0.6) })).toMatchObject({ state: 'unknown' });
    expect(fetched).toHaveLength(3);
  });

  it('again after an hour, to hear of what was revoked since', async () => {
    const lists: Record<string, Promise<Buffer>> = noneRevoked();
    const { check } = serve(lists);
    expect(await check(leaf)).toEqual({ state: 'good' });
    lists[url] = ca.listRevoked({ revokedSerials: ['a1'] });
    expect(await check(leaf, { now: hoursFromNow(0.9) })).toEqual({ state: 'good' });
    expect(await check(leaf, { now: hoursFromNow(1.1) })).toMatchObject({ state: 'revoked' });
  });

  it('for nobody who has given up', async () => {
    const reason = new Error('given up');
    const signal = AbortSignal.abort(reason);
    await expect(serve({}).check(leaf, { signal })).rejects.toBe(reason);
  });
});

it('a cut-off list is malformed, wherever it is cut', async () => {
  const list = await ca.listRevoked({ revokedSerials: ['a1', 'a2'], extensions: [pointAt(url)] });
  const issuer = new X509Certificate(ca.issuerPem).publicKey;
  const serial = Buffer.from([0xa1]);
  fc.assert(
    fc.property(fc.nat(list.length - 1), fc.nat(255), (at, byte) => {
      expect(() => readRevocationList(list.subarray(0, at))).toThrow(RangeError);
      const changed = Buffer.from(list);
      changed[at] = byte;
      try {
        const read = readRevocationList(changed);
        read.names(serial);
        expect(read.isSignedBy(issuer)).toBe(changed.equals(list));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 500 },
  );
});
