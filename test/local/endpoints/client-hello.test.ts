import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readClientHello } from '../../../local/endpoints/client-hello.ts';
import { portOf } from '../../../local/loopback.ts';

/** The first bytes a TLS client of this machine really sends. */
async function recordHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    port: portOf(server),
    host: '127.0.0.1',
    servername: 'WWW.example.com',
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  client.on('error', () => {});
  const [accepted] = await once(server, 'connection');
  let received = Buffer.alloc(0);
  while (readClientHello(received) === 'incomplete') {
    const [chunk] = await once(accepted, 'data');
    received = Buffer.concat([received, chunk]);
  }
  client.destroy();
  accepted.destroy();
  server.close();
  return received;
}

describe('a client hello', () => {
  let hello: Buffer;
  beforeAll(async () => {
    hello = await recordHello();
  });
  const expected = { serverName: 'www.example.com', protocols: ['h2', 'http/1.1'] };

  it('is read for its server name and protocols', () => {
    expect(readClientHello(hello)).toEqual(expected);
  });

  it('is incomplete at every earlier length', () => {
    for (let length = 0; length < hello.length; length++) {
      expect(readClientHello(hello.subarray(0, length))).toBe('incomplete');
    }
  });

  it('is read across TLS records', () => {
    const message = hello.subarray(5);
    const record = (part: Buffer) =>
      Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]);
    const split = Buffer.concat([
      record(message.subarray(0, 3)),
      record(message.subarray(3, 50)),
      record(message.subarray(50)),
    ]);
    expect(readClientHello(split)).toEqual(expected);
  });

  it('is told from other protocols at once', () => {
    expect(readClientHello(Buffer.from('GET / HTTP/1.1'))).toBe('invalid');
    expect(readClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]))).toBe('invalid');
  });

  it('survives any damage', () => {
    const damage = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 5 }), (changes) => {
        const damaged = Buffer.from(hello);
        for (const [offset, value] of changes) damaged[offset % damaged.length] = value;
        expect(readClientHello(damaged)).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });
});
