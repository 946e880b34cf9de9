import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordConnections } from '../../../../shared/etl/connections/tls-recorder.socket.ts';
import { type Probe, probeEndpoint } from '../../../../shared/verify/probe.ts';
import { createTestCa } from '../../../support/test-ca.ts';
import { startRevocationList, type TlsPeerKind } from '../../../support/tls-peers.ts';
import { anHttpsSource, clientName, codesOf, createGateScene } from './gate-scene.ts';

const host = 'peer.example.com';
const dayMillis = 86_400_000;
const daysFromNow = (days: number) => new Date(Date.now() + days * dayMillis);
const aDatabase = (changes: Record<string, unknown> = {}) => ({
  type: 'postgresql',
  host: 'db.example.com',
  database: 'shop',
  user: 'etl',
  table: 'orders',
  passwordSecret: 'etl/db/password',
  caSecret: 'roots/db.example.com',
  ...changes,
});

let scene: ReturnType<typeof createGateScene>;
beforeEach(() => {
  scene = createGateScene();
});
afterEach(() => scene.stop());

const checkSource = (changes: Record<string, unknown> = {}) =>
  scene.check({ source: anHttpsSource(host, changes) });

it('a healthy peer is let through, with what to connect to and what was seen', async () => {
  const server = await scene.start('good');
  const verdict = await checkSource();
  expect(verdict.problems).toEqual([]);
  expect(verdict.certificates).toEqual([
    {
      subject: `peer ${host}:443`,
      fingerprint: server.fingerprint,
      expiresAt: new X509Certificate(server.pair.leafPem).validToDate,
      revocation: 'not-checkable',
    },
  ]);
  expect(verdict.peers.get('source')).toEqual({
    host,
    port: 443,
    roots: server.roots,
    client: undefined,
    connectTo: { host: '127.0.0.1', port: server.port },
    fingerprints: [server.fingerprint],
  });
});

const refusals: readonly (readonly [TlsPeerKind, string])[] = [
  ['expired', 'certificate-expired'],
  ['not-yet-valid', 'certificate-not-yet-valid'],
  ['wrong-host', 'certificate-wrong-host'],
  ['self-signed', 'certificate-self-signed'],
  ['untrusted-root', 'certificate-untrusted'],
  ['weak-key', 'certificate-weak-key'],
  ['revoked', 'certificate-revoked'],
  ['tls11', 'tls-too-old'],
  ['client-required', 'client-certificate-required'],
];

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('over %s', (maxVersion) => {
  it.each(refusals)('a peer that is %s holds the run by %s and nothing else', async (kind, code) => {
    await scene.start(kind, kind === 'tls11' ? {} : { tls: { maxVersion } });
    const verdict = await checkSource();
    expect(verdict.problems).toEqual([
      { code, subject: `peer ${host}:443`, message: expect.stringContaining(host) },
    ]);
    expect(verdict.certificates).toEqual([]);
    expect(verdict.peers.size).toBe(0);
  });

  it.each(refusals)('so does a database that is %s', async (kind, code) => {
    const tls = kind === 'tls11' ? {} : { tls: { maxVersion } };
    await scene.start(kind, { host: 'db.example.com', port: 5432, upgrade: 'postgresql', ...tls });
    expect(codesOf(await scene.check({ source: aDatabase() }))).toEqual([code]);
  });
});

describe('a peer', () => {
  it('that nobody answers for holds the run', async () => {
    const server = await scene.start('good');
    await server.stop();
    expect(codesOf(await checkSource())).toEqual(['peer-unreachable']);
  });

  it('whose certificate ends too soon holds the run, and its intermediate’s end counts as well', async () => {
    await scene.start('good');
    const source = anHttpsSource(host);
    const soon = { source, certificates: { minimumDaysLeft: 91 } };
    expect(codesOf(await scene.check(soon))).toEqual(['certificate-expires-soon']);
    expect(codesOf(await scene.check({ source, certificates: { minimumDaysLeft: 89 } }))).toEqual([]);
    await scene.start('good', { leaf: { notAfter: daysFromNow(1000) } });
    const verdict = await scene.check({ source, certificates: { minimumDaysLeft: 365 } });
    expect(verdict.problems).toMatchObject([
      { code: 'certificate-expires-soon', message: expect.stringContaining('intermediate') },
    ]);
  });

  it('is looked at by every address of its name, and one bad one holds the run', async () => {
    const good = await scene.start('good');
    const expired = await scene.start('expired', { ca: good.ca });
    const probe: Probe = async (request) => {
      const places = [good, expired].map(({ port }) => ({ host: '127.0.0.1', port }));
      return (await Promise.all(places.map((connectTo) => probeEndpoint({ ...request, connectTo })))).flat();
    };
    expect(codesOf(await scene.check({ source: anHttpsSource(host) }, { probe }))).toEqual([
      'certificate-expired',
    ]);
  });

  it('may show different certificates at its addresses, all of which may be connected to', async () => {
    const one = await scene.start('good');
    const other = await scene.start('good', { ca: one.ca, leaf: { notAfter: daysFromNow(30) } });
    const probe: Probe = async (request) => {
      const places = [one, other].map(({ port }) => ({ host: '127.0.0.1', port }));
      const seen = await Promise.all(places.map((connectTo) => probeEndpoint({ ...request, connectTo })));
      return [
        ...seen.flat(),
        { reached: false, address: '2001:db8::1', code: 'unreachable', message: 'ENETUNREACH' },
      ];
    };
    const verdict = await scene.check({ source: anHttpsSource(host) }, { probe });
    expect(verdict.peers.get('source')?.fingerprints).toEqual([one.fingerprint, other.fingerprint]);
    expect(verdict.certificates.map(({ fingerprint }) => fingerprint)).toEqual([other.fingerprint]);
  });

  it('is trusted by the roots that the pipeline names alone; without them the run is held', async () => {
    await scene.start('good');
    expect(codesOf(await checkSource({ caSecret: undefined }))).toEqual(['certificate-untrusted']);
    const missing = await checkSource({ caSecret: 'roots/elsewhere' });
    expect(missing.problems).toMatchObject([
      { code: 'certificate-untrusted', message: expect.stringContaining('etl/roots/elsewhere') },
    ]);
    scene.secrets.set('etl/roots/elsewhere', { pem: 'not a certificate' });
    expect(codesOf(await checkSource({ caSecret: 'roots/elsewhere' }))).toEqual(['certificate-untrusted']);
  });
});

describe('a client certificate', () => {
  const withClient = { clientCertificate: clientName };

  it('that the peer accepts is let through and handed on', async () => {
    const { ca } = await scene.start('client-required');
    const pair = await scene.issueClient(ca);
    const verdict = await checkSource(withClient);
    expect(codesOf(verdict)).toEqual([]);
    expect(verdict.certificates.map(({ subject }) => subject)).toEqual([
      `client ${clientName}`,
      `peer ${host}:443`,
    ]);
    expect(verdict.peers.get('source')?.client).toEqual({
      name: clientName,
      certificatePem: pair.fullchainPem,
      privateKeyPem: pair.privateKeyPem,
    });
  });

  it('of a CA that the peer does not know is told as refused', async () => {
    await scene.start('client-required');
    await scene.issueClient(await createTestCa('Stranger'));
    const verdict = await checkSource(withClient);
    expect(codesOf(verdict)).toEqual(['client-certificate-refused']);
    expect(verdict.problems[0]).not.toHaveProperty('renew');
  });

  it.each([
    ['has expired', { notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) }, 'certificate-expired', true],
    ['expires soon', { notAfter: daysFromNow(3) }, 'certificate-expires-soon', true],
    ['is not valid yet', { notBefore: daysFromNow(1) }, 'certificate-not-yet-valid', false],
    ['is for servers alone', { usages: ['serverAuth'] }, 'certificate-wrong-usage', false],
    ['has a weak key', { keys: 'rsa-1024' }, 'certificate-weak-key', false],
  ] as const)(
    'that %s holds the run, once, and says whether renewal helps',
    async (_, leaf, code, renewable) => {
      const { ca } = await scene.start('client-required', { tls: { ciphers: 'DEFAULT@SECLEVEL=0' } });
      await scene.issueClient(ca, leaf);
      const { problems } = await checkSource(withClient);
      expect(problems).toEqual([
        {
          code,
          subject: `client ${clientName}`,
          message: expect.stringContaining(clientName),
          ...(renewable && { renew: clientName }),
        },
      ]);
    },
  );

  it('that is not in the vault holds the run until it is issued', async () => {
    await scene.start('client-required');
    const { problems } = await checkSource(withClient);
    expect(problems).toMatchObject([{ code: 'client-certificate-missing', renew: clientName }]);
  });

  it('with another key than its own holds the run, and the key is not told', async () => {
    const { ca } = await scene.start('client-required');
    const other = await ca.issue({ domains: ['other.example.com'] });
    await scene.issueClient(ca, {}, { privateKeyPem: other.privateKeyPem });
    const verdict = await checkSource(withClient);
    expect(codesOf(verdict)).toEqual(['certificate-key-mismatch']);
    await scene.issueClient(ca, {}, { privateKeyPem: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n' });
    const broken = await checkSource(withClient);
    expect(codesOf(broken)).toEqual(['certificate-key-mismatch']);
    expect(JSON.stringify([verdict.problems, broken.problems])).not.toMatch(/PRIVATE KEY|c2VjcmV0/);
  });

  it('that has been revoked holds the run until it is renewed', async () => {
    const { ca } = await scene.start('client-required');
    const list = await startRevocationList(() => ca.listRevoked({ revokedSerials: ['0c1d'] }));
    scene.onStop(list.stop);
    await scene.issueClient(ca, { serial: '0c1d', revocationUrls: [list.url] });
    expect((await checkSource(withClient)).problems).toMatchObject([
      { code: 'certificate-revoked', subject: `client ${clientName}`, renew: clientName },
    ]);
    await scene.issueClient(ca, { revocationUrls: [list.url] });
    const verdict = await checkSource(withClient);
    expect(verdict.certificates[0]).toMatchObject({ subject: `client ${clientName}`, revocation: 'good' });
  });

  it('that was renewed in the meantime is found by the same gate', async () => {
    const { ca } = await scene.start('client-required');
    await scene.issueClient(ca, { notAfter: daysFromNow(2) });
    expect(codesOf(await checkSource(withClient))).toEqual(['certificate-expires-soon']);
    const renewed = await scene.issueClient(ca);
    const verdict = await checkSource(withClient);
    expect(codesOf(verdict)).toEqual([]);
    expect(verdict.peers.get('source')?.client?.certificatePem).toBe(renewed.fullchainPem);
  });
});

it('every end is checked, each under its role, and S3 has none', async () => {
  const api = await scene.start('good');
  await scene.start('good', { ca: api.ca, host: 'login.example.com', port: 8443 });
  await scene.start('expired', { host: 'db.example.com', port: 5432, upgrade: 'postgresql' });
  await scene.start('good', { host: 'db2.example.com', port: 5433, upgrade: 'postgresql' });
  const verdict = await scene.check({
    source: anHttpsSource(host, {
      auth: {
        type: 'oauth-client-credentials',
        tokenUrl: 'https://login.example.com:8443/token',
        clientId: 'etl',
        secret: 'etl/token',
      },
    }),
    destinations: [
      { type: 's3', table: 'people' },
      aDatabase(),
      aDatabase({ host: 'db2.example.com', port: 5433, caSecret: 'roots/db2.example.com' }),
    ],
  });
  expect([...verdict.peers.keys()]).toEqual(['source', 'token', 'destination/2']);
  expect(verdict.problems).toMatchObject([
    { code: 'certificate-expired', subject: 'peer db.example.com:5432' },
  ]);
});

it('a check leaves no connection in the record of the run', async () => {
  const recorder = recordConnections();
  await scene.start('good');
  expect(codesOf(await checkSource())).toEqual([]);
  expect(recorder.drain()).toEqual([]);
});

it('secrets that cannot be read are a failure and no verdict', async () => {
  await scene.start('good');
  const secrets = { read: () => Promise.reject(new Error('vault-unavailable')) };
  await expect(scene.check({ source: anHttpsSource(host) }, { secrets })).rejects.toThrow(
    'vault-unavailable',
  );
});
