import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openHierarchy } from '../../../../local/ca/hierarchy.ts';
import { createIssuer } from '../../../../local/ca/issuance.ts';
import { exportKeyPem, generateKeyPair } from '../../../../local/ca/key-pair.ts';
import { validate } from '../../../../local/ca/validation/validate.ts';
import { portOf } from '../../../../local/loopback.ts';
import { anAlpnIdentity, startDnsProofs, startTlsProofs } from '../proof-servers.ts';

const domain = 'www.example.com';
const token = 'a-token';
const keyAuthorization = `${token}.thumbprint`;
const never = new AbortController().signal;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** The last part of the problem's type, or `valid`. */
async function check(
  type: 'http-01' | 'dns-01' | 'tls-alpn-01',
  place: { port: number; host?: string },
): Promise<string> {
  const ports = {
    httpPort: () => place.port,
    tlsPort: () => place.port,
    dnsServer: () => ({ host: place.host ?? '127.0.0.1', port: place.port }),
  };
  const problem = await validate({ type, domain, token, keyAuthorization }, ports, never);
  return problem?.type.split(':').at(-1) ?? 'valid';
}

/** A port on which nothing listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

describe('http-01', () => {
  async function web(listener: RequestListener): Promise<{ port: number }> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { port: portOf(server) };
  }
  const path = `/.well-known/acme-challenge/${token}`;

  it('asks for the token at the domain and accepts trailing white space', async () => {
    const asked: unknown[] = [];
    const place = await web(({ url, headers }, response) => {
      asked.push([url, headers.host]);
      response.end(`${keyAuthorization}\r\n`);
    });
    expect(await check('http-01', place)).toBe('valid');
    expect(asked).toEqual([[path, domain]]);
  });

  it.each([
    ['another text', (_, response) => response.end('something else')],
    ['status 404', (_, response) => response.writeHead(404).end(keyAuthorization)],
    ['status 500', (_, response) => response.writeHead(500).end(keyAuthorization)],
  ] satisfies [string, RequestListener][])('is unauthorized by %s', async (_, listener) => {
    expect(await check('http-01', await web(listener))).toBe('unauthorized');
  });

  it.each([
    ['a body without end', (_, response) => response.end(keyAuthorization.padEnd(5000))],
    ['a connection cut', (request) => request.socket.destroy()],
    [
      'a redirect off this machine',
      (_, response) => response.writeHead(302, { location: 'http://192.0.2.1/' }).end(),
    ],
    [
      'a redirect to https',
      (_, response) => response.writeHead(302, { location: `https://${domain}/` }).end(),
    ],
    ['a redirect in circles', (_, response) => response.writeHead(302, { location: path }).end()],
    ['a redirect to nonsense', (_, response) => response.writeHead(302, { location: 'http://[' }).end()],
  ] satisfies [string, RequestListener][])('is a connection problem with %s', async (_, listener) => {
    expect(await check('http-01', await web(listener))).toBe('connection');
  });

  it('is a connection problem where nobody listens', async () => {
    expect(await check('http-01', { port: await closedPort() })).toBe('connection');
  });

  it('follows a redirect on this machine', async () => {
    const target = await web(({ url }, response) =>
      response.end(url === '/moved' ? keyAuthorization : 'wrong'),
    );
    const place = await web((_, response) =>
      response.writeHead(301, { location: `http://127.0.0.1:${target.port}/moved` }).end(),
    );
    expect(await check('http-01', place)).toBe('valid');
  });
});

describe('dns-01', () => {
  const digest = createHash('sha256').update(keyAuthorization).digest('base64url');
  async function dns(values: string[] | undefined) {
    const { records, server, stop } = await startDnsProofs();
    cleanups.push(stop);
    if (values !== undefined) records.set(`_acme-challenge.${domain}`, values);
    return server;
  }

  it.each([
    ['the digest', [digest], 'valid'],
    ['the digest among others', ['other', digest], 'valid'],
    ['another value', ['other'], 'unauthorized'],
    ['the bare key authorization', [keyAuthorization], 'unauthorized'],
    ['an empty answer', [], 'unauthorized'],
    ['no such name', undefined, 'dns'],
  ])('with %s', async (_, values, expected) => {
    expect(await check('dns-01', await dns(values))).toBe(expected);
  });

  it('sees a record that appears after a first look', async () => {
    const { records, server, stop } = await startDnsProofs();
    cleanups.push(stop);
    expect(await check('dns-01', server)).toBe('dns');
    records.set(`_acme-challenge.${domain}`, [digest]);
    expect(await check('dns-01', server)).toBe('valid');
  });

  it('ends at once when the CA stops', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    cleanups.push(() => socket.close());
    const stopping = new AbortController();
    socket.once('message', () => stopping.abort());
    const ports = {
      httpPort: () => 1,
      tlsPort: () => 1,
      dnsServer: () => ({ host: '127.0.0.1', port: socket.address().port }),
    };
    const problem = await validate(
      { type: 'dns-01', domain, token, keyAuthorization },
      ports,
      stopping.signal,
    );
    expect(problem?.type).toContain('dns');
  });
});

describe('tls-alpn-01', () => {
  async function terminator(
    certificateFor: { domain: string; keyAuthorization: string },
    protocols?: string[],
  ) {
    const server = await startTlsProofs(protocols);
    cleanups.push(server.stop);
    server.identities.set(
      domain,
      await anAlpnIdentity(certificateFor.domain, certificateFor.keyAuthorization),
    );
    return server;
  }

  it('accepts the certificate of RFC 8737', async () => {
    expect(await check('tls-alpn-01', await terminator({ domain, keyAuthorization }))).toBe('valid');
  });

  it.each([
    ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
    ['2001:db8::7', `7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
  ])('asks for the address %s by its name in the reverse zone (RFC 8738)', async (address, reverseName) => {
    const server = await startTlsProofs();
    cleanups.push(server.stop);
    server.identities.set(reverseName, await anAlpnIdentity(address, keyAuthorization));
    const ports = { httpPort: () => 1, tlsPort: () => server.port, dnsServer: () => ({ host: '', port: 1 }) };
    const target = { type: 'tls-alpn-01', domain: address, token, keyAuthorization } as const;
    expect(await validate(target, ports, never)).toBeUndefined();
  });

  it.each([
    ['another digest', { domain, keyAuthorization: 'other' }],
    ['another name', { domain: 'other.example.com', keyAuthorization }],
  ])('is unauthorized with %s', async (_, certificateFor) => {
    expect(await check('tls-alpn-01', await terminator(certificateFor))).toBe('unauthorized');
  });

  it('is unauthorized with an ordinary certificate', async () => {
    const server = await startTlsProofs();
    cleanups.push(server.stop);
    const { intermediate } = await openHierarchy(undefined);
    const { cryptoKeys, publicKey } = await generateKeyPair();
    const issuer = createIssuer({ intermediate, validitySeconds: 86_400 });
    const { chainPem } = await issuer.issue({ names: [domain], publicKey, now: new Date() });
    server.identities.set(domain, { key: await exportKeyPem(cryptoKeys.privateKey), cert: chainPem });
    expect(await check('tls-alpn-01', server)).toBe('unauthorized');
  });

  it('is a tls problem where the terminator speaks other protocols', async () => {
    expect(await check('tls-alpn-01', await terminator({ domain, keyAuthorization }, ['http/1.1']))).toBe(
      'tls',
    );
  });

  it('is a tls problem where the terminator does not know the name', async () => {
    const server = await startTlsProofs();
    cleanups.push(server.stop);
    expect(await check('tls-alpn-01', server)).toBe('tls');
  });

  it('is a connection problem where nobody listens', async () => {
    expect(await check('tls-alpn-01', { port: await closedPort() })).toBe('connection');
  });
});
