import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSecretsManager } from '../../../local/aws/secrets-manager.ts';
import { startAcmeCa } from '../../../local/ca/ca.ts';
import { openPipelineCertificates, putPair } from '../../../local/etl/certificates.ts';
import { createMemoryKeyVault } from '../../../shared/certificates/vault.memory.ts';
import { createSecretsManagerKeyVault } from '../../../shared/certificates/vault.secrets-manager.ts';
import type { KeyVault } from '../../../shared/certificates/vault.ts';
import { createSecretStore } from '../../../shared/runtime/secrets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { aPair, aPrivateCa } from './builders.ts';

const dayMillis = 86_400_000;
const serverName = 'api.shop.example.com';
const clientName = 'etl-orders.example.com';
const bothIssued = [`server ${serverName}`, `client ${clientName}`];
let dataDir: string;
let vault: KeyVault;
let clock: ReturnType<typeof createFakeClock>;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'certfleet-pipelines-'));
  vault = createMemoryKeyVault();
  clock = createFakeClock(new Date());
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

type Ca = Parameters<typeof openPipelineCertificates>[0]['ca'];
const open = (ca?: Ca) => openPipelineCertificates({ dataDir, ca, vault, serverName, clientName, clock });

describe('the certificates of a pipeline', () => {
  it("are issued by the CA that is there, the client's for clients and put into the vault", async () => {
    const ca = await aPrivateCa();
    const { rootPem, server, client } = await open(ca);
    expect(rootPem).toBe(ca.rootPem);
    expect(ca.issued).toEqual(bothIssued);
    expect(new X509Certificate(server.fullchainPem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(new X509Certificate(client.fullchainPem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    const { name, ...pair } = client;
    expect(await vault.readCurrent(clientName)).toEqual({ generation: 1, ...pair });
    expect(name).toBe(clientName);
  });

  it('serve on at the next start, until a third of their life is left', async () => {
    const ca = await aPrivateCa();
    const first = await open(ca);
    clock.advance(59 * dayMillis);
    expect(await open(ca)).toEqual(first);
    clock.advance(2 * dayMillis);
    const later = await open(ca);
    expect(later.server.fullchainPem).not.toBe(first.server.fullchainPem);
    expect(later.client.fullchainPem).not.toBe(first.client.fullchainPem);
    expect(await vault.readCurrent(clientName)).toMatchObject({
      generation: 2,
      fullchainPem: later.client.fullchainPem,
    });
    expect(ca.issued).toEqual([...bothIssued, ...bothIssued]);
  });

  it('are issued anew under another root', async () => {
    await open(await aPrivateCa());
    const other = await aPrivateCa();
    await open(other);
    expect(other.issued).toEqual(bothIssued);
  });

  it("take no server's certificate from the vault for the client's", async () => {
    const ca = await aPrivateCa();
    await putPair(vault, clientName, await aPair(ca, { name: clientName, usage: 'server' }));
    const { client } = await open(ca);
    expect(new X509Certificate(client.fullchainPem).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect((await vault.readCurrent(clientName))?.generation).toBe(2);
  });

  it('come from a CA of their own, kept, where there is no embedded one', async () => {
    const first = await open();
    expect(await open()).toEqual(first);
    for (const file of ['etl-ca/hierarchy.json', 'etl/api-server.json'])
      expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  });

  it('come from the embedded ACME CA, below its root', async () => {
    const ca = await startAcmeCa({
      httpPort: () => 1,
      tlsPort: () => 1,
      dnsServer: () => ({ host: '127.0.0.1', port: 1 }),
    });
    try {
      const { rootPem, client } = await open(ca);
      const [leaf, intermediate] = client.fullchainPem.split(/(?<=-----END CERTIFICATE-----)\s/);
      const issuer = new X509Certificate(intermediate ?? '');
      expect(rootPem).toBe(ca.rootPem);
      expect(new X509Certificate(leaf ?? '').verify(issuer.publicKey)).toBe(true);
      expect(issuer.verify(new X509Certificate(ca.rootPem).publicKey)).toBe(true);
    } finally {
      await ca.stop();
    }
  });
});

describe('a pair put into the vault', () => {
  it('raises the generation only when it is another one, in Secrets Manager as in memory', async () => {
    const region = 'eu-west-1';
    const { endpoint, stop } = await startSecretsManager({ region });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new SecretsManagerClient({ region, endpoint, credentials });
    const ca = await aPrivateCa();
    try {
      for (const each of [vault, createSecretsManagerKeyVault(createSecretStore(client), 'certfleet/dev')]) {
        const pair = await aPair(ca, { name: 'loader', usage: 'client' });
        await putPair(each, 'etl-postgresql', pair);
        await putPair(each, 'etl-postgresql', pair);
        expect(await each.readCurrent('etl-postgresql')).toEqual({ generation: 1, ...pair });
        const other = await aPair(ca, { name: 'loader', usage: 'client' });
        await putPair(each, 'etl-postgresql', other);
        expect(await each.readCurrent('etl-postgresql')).toEqual({ generation: 2, ...other });
      }
    } finally {
      client.destroy();
      await stop();
    }
  });
});
