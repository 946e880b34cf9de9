import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAcmeCa } from '../../../local/ca/ca.ts';
import {
  aCsr,
  anOrder,
  aRegisteredClient,
  type CaWithProofs,
  obtain,
  prove,
  startCaWithProofs,
  untilValid,
} from './ca-client.ts';
import { opensslVerify } from './openssl.ts';

let folder: string;
let dataDir: string;
let setup: CaWithProofs;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ca-'));
  dataDir = join(folder, 'live');
});
afterEach(async () => {
  await setup.stop();
  rmSync(folder, { recursive: true });
});

/** What a kill at this moment leaves behind: every confirmed write, and one cut short. */
function killedCopy(): string {
  const copy = join(folder, 'killed');
  cpSync(dataDir, copy, { recursive: true });
  appendFileSync(join(copy, 'journal.jsonl'), '{"kind":"orders","record":{"id":"torn');
  return copy;
}

const forever = 3_600_000;

describe('a CA with a data directory', () => {
  it('goes on under the same URLs with accounts, orders, authorizations and root', async () => {
    setup = await startCaWithProofs({ dataDir });
    const client = await aRegisteredClient(setup.ca);
    const { order, chainPem } = await obtain(setup, client, { names: ['kept.example.com'] });
    const open = await anOrder(client, 'open.example.com');
    await setup.ca.stop();

    const next = await setup.startAnother();
    try {
      expect([next.directoryUrl, next.rootPem]).toEqual([setup.ca.directoryUrl, setup.ca.rootPem]);
      expect(await client.getCertificate(order)).toBe(chainPem);
      expect((await anOrder(client, 'open.example.com')).url).toBe(open.url);
      expect((await anOrder(client, 'kept.example.com')).status).toBe('ready');
      expect([next.ledger.newOrders, next.ledger.issued.length]).toEqual([1, 1]);
    } finally {
      await next.stop();
    }
  });

  it('lets nobody but its owner read it', async () => {
    setup = await startCaWithProofs({ dataDir });
    await aRegisteredClient(setup.ca);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    const modes = readdirSync(dataDir).map((name) => [name, statSync(join(dataDir, name)).mode & 0o777]);
    expect(modes.sort()).toEqual([
      ['hierarchy.json', 0o600],
      ['journal.jsonl', 0o600],
      ['port', 0o600],
    ]);
  });

  it('issues what was processing when it was killed, once', async () => {
    setup = await startCaWithProofs({ dataDir, finalizeMillis: forever });
    const client = await aRegisteredClient(setup.ca);
    const order = await anOrder(client, 'killed.example.com');
    await prove(setup, client, { order, type: 'http-01' });
    const [, csr] = await aCsr(['killed.example.com']);
    expect((await client.finalizeOrder(order, csr)).status).toBe('processing');
    const copy = killedCopy();
    await setup.ca.stop();

    const later = { now: () => new Date(Date.now() + forever), sleep: () => Promise.resolve() };
    const next = await startAcmeCa({ ...portsOf(setup), dataDir: copy, badNonceRate: 0, clock: later });
    try {
      await untilValid(client, order);
      const chainPem = await client.getCertificate(await client.getOrder(order));
      expect(opensslVerify(setup.ca.rootPem, chainPem)).toContain('OK');
      expect(new X509Certificate(chainPem).subjectAltName).toBe('DNS:killed.example.com');
      expect(next.ledger.issued).toHaveLength(1);
    } finally {
      await next.stop();
    }
  });

  /** A CA killed while it waited for an http-01 answer. */
  async function killedWhileValidating() {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    setup = await startCaWithProofs({ dataDir, httpPort: () => port });
    const client = await aRegisteredClient(setup.ca);
    const order = await anOrder(client, 'halfway.example.com');
    const [authorization] = await client.getAuthorizations(order);
    const challenge = authorization?.challenges.find(({ type }) => type === 'http-01');
    if (challenge === undefined) throw new Error('no http-01 challenge');
    expect((await client.completeChallenge(challenge)).status).toBe('processing');
    const copy = killedCopy();
    await setup.ca.stop();
    silent.close();
    const showProof = async () => {
      const proof = await client.getChallengeKeyAuthorization(challenge);
      setup.http.answers.set(`halfway.example.com/${challenge.token}`, proof);
    };
    const restart = () => startAcmeCa({ ...portsOf(setup), dataDir: copy, badNonceRate: 0 });
    return { client, order, challenge, showProof, restart };
  }

  it('validates again what was being validated when it was killed', async () => {
    const { client, order, showProof, restart } = await killedWhileValidating();
    await showProof();
    const next = await restart();
    try {
      expect(await untilValid(client, order)).toMatchObject({ status: 'ready' });
    } finally {
      await next.stop();
    }
  });

  it('does not hold proofs that died with it against the account', async () => {
    const { client, order, challenge, showProof, restart } = await killedWhileValidating();
    const next = await restart();
    try {
      expect((await client.getOrder(order)).status).toBe('pending');
      await showProof();
      await client.completeChallenge(challenge);
      expect(await untilValid(client, order)).toMatchObject({ status: 'ready' });
    } finally {
      await next.stop();
    }
  });

  it('moves to another port where its own is taken', async () => {
    setup = await startCaWithProofs({ dataDir });
    const moved = await setup.startAnother();
    try {
      expect(moved.directoryUrl).not.toBe(setup.ca.directoryUrl);
      expect(moved.rootPem).toBe(setup.ca.rootPem);
    } finally {
      await moved.stop();
    }
  });
});

const portsOf = ({ http, tls, dns }: CaWithProofs) => ({
  httpPort: () => http.port,
  tlsPort: () => tls.port,
  dnsServer: () => dns.server,
});
