import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { judgePeer, type PeerNeeds } from '../../../../shared/etl/gate/judge-peer.ts';
import { readCertificates } from '../../../../shared/etl/gate/trust-path.ts';
import type { ReachedObservation, UnreachedObservation } from '../../../../shared/verify/observation.ts';
import { createTestCa, type TestCa } from '../../../support/test-ca.ts';

let ca: TestCa;
let healthy: ReachedObservation;
beforeAll(async () => {
  ca = await createTestCa();
  const pair = await ca.issue({ domains: ['peer.example.com'] });
  const leaf = new X509Certificate(pair.leafPem);
  healthy = {
    reached: true,
    address: '192.0.2.1',
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    leaf: {
      serial: '1',
      fingerprint: 'ab'.repeat(32),
      notBefore: leaf.validFromDate,
      notAfter: leaf.validToDate,
      subjectAltNames: ['peer.example.com'],
    },
    chain: readCertificates(pair.fullchainPem),
    chainLength: 2,
    authorized: true,
    hostNameMatches: true,
    clientCertificateAsked: true,
  };
});

const needs = (changes: Partial<PeerNeeds> = {}): PeerNeeds => ({
  subject: 'peer peer.example.com:443',
  host: 'peer.example.com',
  roots: ca.rootPem,
  minimumDaysLeft: 7,
  now: new Date(),
  clientCertificate: true,
  ...changes,
});
const codes = (observation: ReachedObservation | UnreachedObservation, changes: Partial<PeerNeeds> = {}) =>
  judgePeer(observation, needs(changes)).map(({ code }) => code);
const anAlert = (number: number) => ({
  code: 'ERR_SSL_TLSV1_ALERT_OF_SOME_KIND',
  message: `error:0A000418:SSL routines:ssl3_read_bytes:some alert:rec_layer_s3.c:918:SSL alert number ${number}`,
});
const unreached = (changes: Partial<UnreachedObservation>): UnreachedObservation => ({
  reached: false,
  code: 'tls',
  message: 'x',
  ...changes,
});

it('a healthy peer has no problem', () => {
  expect(codes(healthy)).toEqual([]);
});

describe('a refusal of the client certificate', () => {
  it.each([42, 43, 44, 45, 46, 48, 49])('is heard right after the handshake, by alert %i', (number) => {
    expect(codes({ ...healthy, hungUp: { error: anAlert(number) } })).toEqual(['client-certificate-refused']);
  });

  it.each([42, 45, 48])('is heard within the handshake of TLS 1.2, by alert %i', (number) => {
    const observation = unreached({ error: anAlert(number), clientCertificateAsked: true });
    expect(codes(observation)).toEqual(['client-certificate-refused']);
  });

  it('is what it means to be hung up on in silence, and what the alert 40 means to who was asked', () => {
    const silent = { ...healthy, hungUp: {} };
    expect(codes(silent)).toEqual(['client-certificate-refused']);
    expect(codes(silent, { clientCertificate: false })).toEqual(['client-certificate-required']);
    const failed = { error: anAlert(40), clientCertificateAsked: true };
    expect(codes(unreached(failed))).toEqual(['client-certificate-refused']);
    expect(codes(unreached(failed), { clientCertificate: false })).toEqual(['client-certificate-required']);
  });
});

it('a handshake that fails otherwise is a peer that cannot be reached', () => {
  expect(codes(unreached({ error: anAlert(40), clientCertificateAsked: false }))).toEqual([
    'peer-unreachable',
  ]);
  expect(codes(unreached({ error: anAlert(80), clientCertificateAsked: true }))).toEqual([
    'peer-unreachable',
  ]);
  expect(codes(unreached({ message: 'the server does not offer TLS' }))).toEqual(['peer-unreachable']);
  for (const code of ['refused', 'unreachable', 'timeout', 'reset', 'dns'] as const)
    expect(codes(unreached({ code }))).toEqual(['peer-unreachable']);
});

it('several problems are all told', () => {
  const now = new Date(healthy.leaf.notAfter.getTime() + 1000);
  const observation = {
    ...healthy,
    authorized: false,
    authorizationError: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    hostNameMatches: false,
  };
  expect(codes(observation, { now })).toEqual([
    'certificate-expired',
    'certificate-wrong-host',
    'certificate-untrusted',
  ]);
});

it('a certificate beside the path of trust is of no interest, however old', async () => {
  const old = await (await createTestCa('Old')).issue({
    domains: ['old.example.com'],
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2021-01-01'),
  });
  const chain = [...(healthy.chain ?? []), ...readCertificates(old.leafPem)];
  expect(codes({ ...healthy, chain })).toEqual([]);
});
