import { createMemoryKeyVault } from '../../../../shared/certificates/vault.memory.ts';
import { createFetchRevocationList } from '../../../../shared/etl/gate/fetch-list.https.ts';
import { createGate, type GateParts } from '../../../../shared/etl/gate/gate.aws.ts';
import type { GateVerdict } from '../../../../shared/etl/gate/gate.ts';
import { createRevocation } from '../../../../shared/etl/gate/revocation.ts';
import { probeUnrecorded } from '../../../../shared/etl/gate/unrecorded-probe.ts';
import { createVaultClientCertificates } from '../../../../shared/etl/gate/vault-client-certificates.ts';
import type { LeafRequest, TestCa, TestPair } from '../../../support/test-ca.ts';
import { startTlsPeer, type TlsPeerKind, type TlsPeerOptions } from '../../../support/tls-peers.ts';
import { aPipeline } from '../transforms/pipelines.ts';

export const clientName = 'etl-orders.example.com';
const tlsPort = 443;

/** A gate before real servers on loopback, with a vault and secrets in memory. */
export function createGateScene() {
  const vault = createMemoryKeyVault();
  const secrets = new Map<string, unknown>();
  const places = new Map<string, { host: string; port: number }>();
  const stops: (() => Promise<void>)[] = [];
  let generation = 0;

  return {
    secrets,
    places,
    /** Stops every server. */
    async stop() {
      for (const stop of stops.splice(0)) await stop();
    },
    onStop: (stop: () => Promise<void>) => stops.push(stop),
    /** Starts a server and makes it the place of its host; its root is in the secret `roots/<host>`. */
    async start(kind: TlsPeerKind, options: TlsPeerOptions & { port?: number } = {}) {
      const server = await startTlsPeer(kind, options);
      stops.push(server.stop);
      places.set(`${server.host}:${options.port ?? tlsPort}`, { host: '127.0.0.1', port: server.port });
      secrets.set(`etl/roots/${server.host}`, { pem: server.roots });
      return server;
    },
    /** Puts a certificate for clients into the vault as the current one. */
    async issueClient(ca: TestCa, leaf: Partial<LeafRequest> = {}, pair: Partial<TestPair> = {}) {
      const issued = {
        ...(await ca.issue({ domains: [clientName], usages: ['clientAuth'], ...leaf })),
        ...pair,
      };
      generation += 1;
      const { privateKeyPem, fullchainPem } = issued;
      await vault.promote(clientName, { generation, privateKeyPem, fullchainPem });
      return issued;
    },
    check(definition: Record<string, unknown>, options: Partial<GateParts> & { now?: Date } = {}) {
      const { now = new Date(), ...parts } = options;
      const gate = createGate({
        clientCertificates: createVaultClientCertificates(vault),
        secrets: { read: async (name) => secrets.get(name) },
        secretsPrefix: 'etl',
        probe: probeUnrecorded,
        revocation: createRevocation({ fetchList: createFetchRevocationList({ localAddresses: 'allowed' }) }),
        connectTo: places,
        ...parts,
      });
      return gate.check(aPipeline(definition), { now, signal: new AbortController().signal });
    },
  };
}

export const anHttpsSource = (host: string, changes: Record<string, unknown> = {}) => ({
  type: 'https',
  url: `https://${host}/v1/orders`,
  caSecret: `roots/${host}`,
  format: { type: 'json' },
  ...changes,
});

export const codesOf = ({ problems }: GateVerdict) => problems.map(({ code }) => code);
