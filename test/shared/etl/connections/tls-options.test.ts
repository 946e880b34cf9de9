import { Agent, type AgentOptions, request } from 'node:https';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addressOf, tlsOptionsFor } from '../../../../shared/etl/connections/tls-options.ts';
import type { TlsPeer } from '../../../../shared/etl/connections/tls-peer.ts';
import { startTlsPeer, type TlsPeerKind, type TlsPeerOptions } from '../../../support/tls-peers.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0)) await stop();
});
async function start(kind: TlsPeerKind = 'good', options: TlsPeerOptions = {}) {
  const server = await startTlsPeer(kind, options);
  stops.push(server.stop);
  return server;
}

const agentOf = (peer: TlsPeer) => new Agent({ ...(tlsOptionsFor(peer) as AgentOptions), keepAlive: false });
const get = (peer: TlsPeer, agent = agentOf(peer)): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({ ...addressOf(peer), agent, path: '/' }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)));
    });
    sent.on('error', (error: Error & { code?: string }) => reject(error.code)).end();
  });

describe('a connection with these options', () => {
  it('comes about with a peer that was checked', async () => {
    const { peer } = await start();
    expect(await get(peer)).toBe('200');
  });

  it('presents the client certificate', async () => {
    const { peer, ca } = await start('client-required');
    const pair = await ca.issue({ domains: ['client.example.com'], usages: ['clientAuth'] });
    const client = { name: 'c', certificatePem: pair.fullchainPem, privateKeyPem: pair.privateKeyPem };
    expect(await get({ ...peer, client })).toBe('200');
  });

  it('ends when another certificate is shown than was checked, though it is a good one', async () => {
    const { peer, ca } = await start();
    const { peer: renewed } = await start('good', { ca });
    await expect(get({ ...renewed, fingerprints: peer.fingerprints })).rejects.toBe('peer-not-checked');
    expect(await get({ ...renewed, fingerprints: [...peer.fingerprints, ...renewed.fingerprints] })).toBe(
      '200',
    );
  });

  it('ends when another certificate is shown, whatever the environment says of verifying', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { peer } = await start();
    const { peer: unknown } = await start('self-signed');
    await expect(get(unknown)).rejects.toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    await expect(get({ ...peer, fingerprints: [] })).rejects.toBe('peer-not-checked');
  });

  it('ends when the certificate is for another name, though it is the one that was checked', async () => {
    const { peer } = await start('wrong-host');
    await expect(get(peer)).rejects.toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is held to the peer’s name, wherever it connects to', async () => {
    const { peer } = await start('good', { leaf: { domains: ['localhost'] } });
    const connectTo = { host: 'localhost', port: peer.port };
    await expect(get({ ...peer, connectTo })).rejects.toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('takes an address for an address and not for a name', async () => {
    const leaf = { domains: ['localhost'], addresses: ['127.0.0.1'] };
    const { peer } = await start('good', { host: '127.0.0.1', leaf });
    expect(tlsOptionsFor(peer).servername).toBe('');
    expect(await get(peer)).toBe('200');
    const { peer: named } = await start('good', { host: '127.0.0.1', leaf: { domains: ['localhost'] } });
    await expect(get(named)).rejects.toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('trusts the roots of the peer alone, and the public ones where it names none', async () => {
    const { peer } = await start('untrusted-root');
    await expect(get(peer)).rejects.toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
    const { peer: good } = await start();
    await expect(get({ ...good, roots: undefined })).rejects.toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
  });

  it('is not made with TLS 1.1', async () => {
    const { peer } = await start('tls11');
    await expect(get(peer)).rejects.toBe('EPROTO');
  });
});

it('options are made anew for each connection, since drivers change them', () => {
  const peer: TlsPeer = { host: 'db.example.com', port: 5432, fingerprints: [] };
  const first = tlsOptionsFor(peer);
  Object.defineProperty(first, 'servername', { enumerable: false });
  expect(tlsOptionsFor(peer)).not.toBe(first);
  expect(Object.keys(tlsOptionsFor(peer))).toContain('servername');
  expect(tlsOptionsFor(peer)).toHaveProperty('rejectUnauthorized', true);
});

it('bytes go to the peer itself unless told otherwise', () => {
  const peer: TlsPeer = { host: 'db.example.com', port: 5432, fingerprints: [] };
  expect(addressOf(peer)).toEqual({ host: 'db.example.com', port: 5432 });
  const connectTo = { host: '127.0.0.1', port: 4433 };
  expect(addressOf({ ...peer, connectTo })).toEqual(connectTo);
});
