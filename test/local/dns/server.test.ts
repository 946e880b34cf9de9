import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { respond } from '../../../local/dns/respond.ts';
import { type DnsServer, startDnsServer } from '../../../local/dns/server.ts';
import { TxtRecords } from '../../../local/dns/txt-records.ts';
import { portOf } from '../../../local/loopback.ts';
import { exchangeMessage } from '../../../shared/challenges/dns/exchange.socket.ts';
import { parseTsigKey, signMessage } from '../../../shared/challenges/dns/tsig.ts';
import { encodeUpdate } from '../../../shared/challenges/dns/update.ts';
import { encodeRecord, opcodeOf, rcode, rcodeOf } from '../../../shared/challenges/dns/wire.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';

const secret = Buffer.from('a secret for the server tests...').toString('base64');
const key = parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha256', secret });
const fqdn = '_acme-challenge.shop.example.co.uk';

let server: DnsServer;
beforeAll(async () => {
  server = await startDnsServer({ tsig: { keyName: 'certfleet', secret } });
});
afterAll(async () => server.stop());

const send = (message: Buffer, transport: 'udp' | 'tcp' = 'udp') =>
  exchangeMessage(message, {
    server: { host: '127.0.0.1', port: server.port },
    transport,
    timeoutMillis: 5000,
    attempts: 1,
    signal: AbortSignal.timeout(20_000),
  });
const ask = async (packet: Packet, transport: 'udp' | 'tcp' = 'udp') =>
  decode(await send(encode({ type: 'query', id: 77, ...packet }), transport));
const aChange = (verb: 'add' | 'remove', value: string, name = fqdn) =>
  encodeUpdate({
    id: 5,
    zone: 'example.co.uk',
    change: { verb, record: { fqdn: name, value }, ttlSeconds: 60 },
  });
const update = async (message: Buffer) =>
  rcodeOf(await send(signMessage(message, { key, now: systemClock.now() }).message));
const valuesOf = (name: string) =>
  server
    .records()
    .filter((record) => record.fqdn === name)
    .map((record) => record.value);

describe('queries', () => {
  it.each(['udp', 'tcp'] as const)('get 127.0.0.1 for the address of any name over %s', async (transport) => {
    const answer = await ask({ questions: [{ type: 'A', name: 'WWW.Anything.example' }] }, transport);
    expect(answer.answers).toMatchObject([{ type: 'A', name: 'WWW.Anything.example', data: '127.0.0.1' }]);
    expect(answer.flag_aa).toBe(true);
  });

  it.each(['AAAA', 'CAA', 'TXT', 'MX'] as const)(
    'for %s find an existing name without data',
    async (type) => {
      const message = await send(encode({ type: 'query', id: 3, questions: [{ type, name: fqdn }] }));
      expect(rcodeOf(message)).toBe(rcode.noError);
      const { answers, authorities } = decode(message);
      expect(answers).toEqual([]);
      expect(authorities).toMatchObject([{ type: 'SOA', name: 'example.co.uk' }]);
    },
  );

  it('find SOA and NS at the registered domain', async () => {
    const soa = await ask({ questions: [{ type: 'SOA', name: 'example.co.uk' }] });
    const ns = await ask({ questions: [{ type: 'NS', name: 'example.co.uk' }] });
    expect(soa.answers).toMatchObject([{ type: 'SOA', name: 'example.co.uk' }]);
    expect(ns.answers).toMatchObject([{ type: 'NS', data: 'ns.example.co.uk' }]);
  });

  it('with EDNS get an OPT record back', async () => {
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0 } as const;
    const additionals = [{ ...opt, flags: 0, flag_do: false, options: [] }];
    const answer = await ask({ questions: [{ type: 'A', name: 'example.com' }], additionals });
    expect(answer.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  });

  it('turn to TCP when the answer exceeds a datagram', async () => {
    const name = '_acme-challenge.many.example.co.uk';
    const values = Array.from(
      { length: 30 },
      (_, index) => `${'x'.repeat(41)}${String(index).padStart(2, '0')}`,
    );
    for (const value of values) expect(await update(aChange('add', value, name))).toBe(rcode.noError);
    const resolver = new Resolver({ timeout: 5000, tries: 1 });
    resolver.setServers([`127.0.0.1:${server.port}`]);
    expect((await resolver.resolveTxt(name)).flat().sort()).toEqual(values);
  });
});

describe('updates', () => {
  it('with a good signature show and hide a value', async () => {
    expect(await update(aChange('add', 'one'))).toBe(rcode.noError);
    expect(await update(aChange('add', 'two'))).toBe(rcode.noError);
    expect(valuesOf(fqdn)).toEqual(['one', 'two']);
    expect(await update(aChange('remove', 'one'))).toBe(rcode.noError);
    expect(valuesOf(fqdn)).toEqual(['two']);
    expect(await update(aChange('remove', 'two'))).toBe(rcode.noError);
    expect(valuesOf(fqdn)).toEqual([]);
  });

  it('without a signature are refused', async () => {
    expect(rcodeOf(await send(aChange('add', 'unsigned')))).toBe(rcode.refused);
    expect(valuesOf(fqdn)).toEqual([]);
  });

  it('outside their zone, of other types or with prerequisites are turned down and change nothing', async () => {
    expect(await update(aChange('add', 'x', 'www.example.com'))).toBe(rcode.notZone);
    expect(await update(withRecord({ type: 1, class: 1, data: Buffer.from([192, 0, 2, 1]) }))).toBe(
      rcode.refused,
    );
    const conditional = aChange('add', 'x');
    conditional.writeUInt16BE(1, 6);
    conditional.writeUInt16BE(0, 8);
    expect(await update(conditional)).toBe(rcode.notImp);
    expect(valuesOf(fqdn)).toEqual([]);
  });

  it('delete every value of a name by class ANY', async () => {
    await update(aChange('add', 'one'));
    await update(aChange('add', 'two'));
    expect(await update(withRecord({ type: 16, class: 255, data: Buffer.alloc(0) }))).toBe(rcode.noError);
    expect(valuesOf(fqdn)).toEqual([]);
  });
});

/** The update of aChange with its one record exchanged. */
function withRecord(record: { type: number; class: number; data: Buffer }): Buffer {
  const placeholder = aChange('add', '');
  const zoneSection = placeholder.subarray(0, 12 + 'example.co.uk'.length + 2 + 4);
  return Buffer.concat([zoneSection, encodeRecord({ name: fqdn, ttlSeconds: 0, ...record })]);
}

describe('the wire', () => {
  it('carries several messages on one TCP connection, however they are cut', async () => {
    const question = encode({ type: 'query', id: 9, questions: [{ type: 'A', name: 'example.com' }] });
    const framed = Buffer.concat([Buffer.from([0, question.length]), question]);
    const socket = connectTcp(server.port, '127.0.0.1');
    const stream = Buffer.concat([framed, framed]);
    socket.setNoDelay(true);
    socket.write(stream.subarray(0, 7));
    socket.write(stream.subarray(7));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      const one = 2 + received.readUInt16BE(0);
      if (received.length === 2 * one) break;
    }
    expect(received.subarray(0, received.length / 2)).toEqual(received.subarray(received.length / 2));
  });

  it('brings answers, or silence, for any bytes', () => {
    const responder = { records: new TxtRecords(), key, clock: systemClock };
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 200 });
    const counted = fc
      .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ maxLength: 80 }))
      .map(([counts, rest]) => [
        0,
        1,
        (counts[0] ?? 0) & 0x28,
        0,
        ...[...counts].flatMap((n) => [0, n & 1]),
        ...rest,
      ]);
    fc.assert(
      fc.property(fc.oneof(bytes, counted), (message) => {
        const answer = respond(Buffer.from(message), 'udp', responder);
        if (answer) expect(opcodeOf(answer)).toBe(opcodeOf(Buffer.from(message)));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a port in use', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  const expected = { code: 'port-in-use', message: expect.stringContaining('--dns-port') };

  it('by TCP is named with the option that changes it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closers.push(() => other.close());
    await expect(
      startDnsServer({ port: portOf(other), tsig: { keyName: 'k', secret } }),
    ).rejects.toMatchObject(expected);
  });

  it('by UDP alone is named too', async () => {
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
    closers.push(() => other.close());
    const { port } = other.address();
    await expect(startDnsServer({ port, tsig: { keyName: 'k', secret } })).rejects.toMatchObject(expected);
  });
});
