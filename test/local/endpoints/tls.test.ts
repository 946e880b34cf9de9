import { createHash, type X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { X509Certificate as DecodedCertificate } from '@peculiar/x509';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTlsEndpoint, type TlsEndpoint } from '../../../local/endpoints/tls.ts';
import { storageName } from '../../../shared/certificates/certificate.ts';
import { createMemoryAnswerStore } from '../../../shared/challenges/answers.memory.ts';
import { createTlsAlpn01Presenter } from '../../../shared/challenges/tls-alpn-01.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { createTestCa, type TestCa, type TestPair } from '../../support/test-ca.ts';

let ca: TestCa;
let directory: string;
let endpoint: TlsEndpoint;
const answers = createMemoryAnswerStore();

beforeAll(async () => {
  ca = await createTestCa();
});
beforeEach(async () => {
  directory = join(mkdtempSync(join(tmpdir(), 'tls-endpoint-')), 'deployed');
  endpoint = await startTlsEndpoint({ deployDirectory: directory, answers });
});
afterEach(async () => {
  await endpoint.stop();
  rmSync(join(directory, '..'), { recursive: true });
});

function deploy(name: string, pair: Partial<Pick<TestPair, 'fullchainPem' | 'privateKeyPem'>>) {
  const target = join(directory, storageName(name));
  mkdirSync(target, { recursive: true });
  if (pair.fullchainPem) writeFileSync(join(target, 'fullchain.pem'), pair.fullchainPem);
  if (pair.privateKeyPem) writeFileSync(join(target, 'privkey.pem'), pair.privateKeyPem);
}

/** Shakes hands, optionally asks for a page, and resolves with what the server showed. */
function shakeHands(serverName: string | undefined, options: ConnectionOptions & { page?: boolean } = {}) {
  return new Promise<{ certificate: X509Certificate; protocol: string | false | null; page: string }>(
    (resolve, reject) => {
      const { page: wanted, ...connection } = options;
      const servername = serverName === undefined ? {} : { servername: serverName };
      const socket = connect({
        port: endpoint.port,
        host: '127.0.0.1',
        ...servername,
        ca: ca.rootPem,
        ...connection,
      });
      let page = '';
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        const certificate = socket.getPeerX509Certificate();
        if (!certificate) return reject(new Error('no certificate'));
        const protocol = socket.alpnProtocol;
        socket.on('data', (chunk) => {
          page += chunk;
        });
        socket.on('close', () => resolve({ certificate, protocol, page }));
        if (wanted) socket.write(`GET / HTTP/1.1\r\nhost: ${serverName}\r\nconnection: close\r\n\r\n`);
        else socket.end();
      });
    },
  );
}

const serialShown = async (serverName: string) => {
  const { certificate } = await shakeHands(serverName);
  return Number.parseInt(certificate.serialNumber, 16);
};

describe('the TLS endpoint', () => {
  it('serves the deployed chain by server name, verifiably, with a page', async () => {
    deploy('example.com', await ca.issue({ domains: ['example.com', 'www.example.com'] }));
    const { certificate, page } = await shakeHands('www.example.com', { page: true });
    expect(certificate.checkHost('example.com')).toBe('example.com');
    expect(page).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*served by certfleet/);
    expect(endpoint.served()).toEqual({ handshakes: 1, challenges: 0, refused: 0 });
  });

  it('refuses a name without a pair by unrecognized_name, and serves it once deployed', async () => {
    await expect(shakeHands('later.example.com')).rejects.toThrow(/unrecognized name/);
    deploy('later.example.com', await ca.issue({ domains: ['later.example.com'], serial: '21' }));
    expect(await serialShown('later.example.com')).toBe(0x21);
    expect(endpoint.served().refused).toBe(1);
  });

  it('refuses clients that send no server name, and what is no TLS', async () => {
    deploy('example.com', await ca.issue({ domains: ['example.com'] }));
    await expect(shakeHands(undefined)).rejects.toThrow(/unrecognized name/);
    const socket = connectTcp(endpoint.port, '127.0.0.1').end('GET / HTTP/1.1\r\n\r\n');
    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk);
    expect(Buffer.concat(received)[0]).toBe(21);
  });

  it('prefers the exact name over the wildcard, and the newer pair of two', async () => {
    const yesterday = new Date(Date.now() - 86_400_000);
    const earlier = new Date(Date.now() - 10 * 86_400_000);
    deploy('*.example.com', await ca.issue({ domains: ['*.example.com'], serial: '31' }));
    deploy('a', await ca.issue({ domains: ['api.example.com'], serial: '32', notBefore: yesterday }));
    deploy('b', await ca.issue({ domains: ['api.example.com'], serial: '33', notBefore: earlier }));
    expect(await serialShown('any.example.com')).toBe(0x31);
    expect(await serialShown('API.example.com')).toBe(0x32);
    await expect(shakeHands('two.deep.example.com')).rejects.toThrow(/unrecognized name/);
  });

  it('serves a replaced pair at the next handshake', async () => {
    deploy('example.com', await ca.issue({ domains: ['example.com'], serial: '41' }));
    expect(await serialShown('example.com')).toBe(0x41);
    deploy('example.com', await ca.issue({ domains: ['example.com'], serial: '42' }));
    expect(await serialShown('example.com')).toBe(0x42);
  });

  it('keeps the last whole pair while the next one is half written or broken', async () => {
    deploy('example.com', await ca.issue({ domains: ['example.com'], serial: '51' }));
    expect(await serialShown('example.com')).toBe(0x51);
    const next = await ca.issue({ domains: ['example.com'], serial: '52' });
    deploy('example.com', { fullchainPem: next.fullchainPem });
    expect(await serialShown('example.com')).toBe(0x51);
    deploy('example.com', { privateKeyPem: next.privateKeyPem.slice(0, 60) });
    expect(await serialShown('example.com')).toBe(0x51);
    rmSync(join(directory, 'example.com', 'privkey.pem'));
    expect(await serialShown('example.com')).toBe(0x51);
    deploy('example.com', { privateKeyPem: next.privateKeyPem });
    expect(await serialShown('example.com')).toBe(0x52);
  });

  it('stops serving a name whose directory is gone', async () => {
    deploy('example.com', await ca.issue({ domains: ['example.com'] }));
    await serialShown('example.com');
    rmSync(join(directory, 'example.com'), { recursive: true });
    await expect(shakeHands('example.com')).rejects.toThrow(/unrecognized name/);
  });

  it('names the option when its port is in use', async () => {
    const second = startTlsEndpoint({ port: endpoint.port, deployDirectory: directory, answers });
    await expect(second).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining('--tls-port'),
    });
  });
});

describe('tls-alpn-01 at the TLS endpoint', () => {
  const presenter = createTlsAlpn01Presenter({ answers, clock: systemClock });
  const signal = AbortSignal.timeout(60_000);
  const challenge = {
    type: 'tls-alpn-01',
    domain: 'alpn.example.com',
    token: 't',
    keyAuthorization: 't.thumbprint',
  } as const;
  const validation = { ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'shows the proof over %s, beside the deployed pair',
    async (version) => {
      deploy('alpn.example.com', await ca.issue({ domains: ['alpn.example.com'], serial: '61' }));
      await presenter.present(challenge, signal);
      const shown = await shakeHands('alpn.example.com', {
        ...validation,
        minVersion: version,
        maxVersion: version,
      });
      expect(shown.protocol).toBe('acme-tls/1');
      expect(shown.certificate.subjectAltName).toBe('DNS:alpn.example.com');
      const extension = new DecodedCertificate(shown.certificate.raw).getExtension('1.3.6.1.5.5.7.1.31');
      const digest = createHash('sha256').update('t.thumbprint').digest('hex');
      expect(Buffer.from(extension?.value ?? new ArrayBuffer()).toString('hex')).toBe(`0420${digest}`);
      expect(await serialShown('alpn.example.com')).toBe(0x61);
      expect(endpoint.served()).toEqual({ handshakes: 1, challenges: 1, refused: 0 });
    },
  );

  it('shows the later of two proofs', async () => {
    await presenter.present(challenge, signal);
    await shakeHands('alpn.example.com', validation);
    await presenter.present({ ...challenge, keyAuthorization: 'later.thumbprint' }, signal);
    const { certificate } = await shakeHands('alpn.example.com', validation);
    const digest = createHash('sha256').update('later.thumbprint').digest();
    expect(certificate.raw.includes(digest)).toBe(true);
  });

  it('refuses a name whose proof was withdrawn or never shown', async () => {
    await presenter.present(challenge, signal);
    await shakeHands('alpn.example.com', validation);
    await answers.remove({ answerKey: 'tls-alpn-01#alpn.example.com', keyAuthorization: 't.thumbprint' });
    await expect(shakeHands('alpn.example.com', validation)).rejects.toThrow(/unrecognized name/);
    await expect(shakeHands('other.example.com', validation)).rejects.toThrow(/unrecognized name/);
  });
});
