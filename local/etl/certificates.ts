import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyVault } from '../../shared/certificates/vault.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { AcmeCa } from '../ca/ca.ts';
import { readIfPresent, writeWhole } from '../ca/durable-file.ts';
import { openHierarchy } from '../ca/hierarchy.ts';
import { createIssuer } from '../ca/issuance.ts';
import { exportKeyPem, generateKeyPair } from '../ca/key-pair.ts';

export interface Pair {
  readonly privateKeyPem: string;
  /** Leaf first. */
  readonly fullchainPem: string;
}

/** What both ends of the example connection show each other, under one private root. */
export interface PipelineCertificates {
  readonly rootPem: string;
  readonly server: Pair;
  readonly client: Pair & { readonly name: string };
}

export type PairVault = Pick<KeyVault, 'readCurrent' | 'stageKey' | 'promote'>;

/** Issues what ACME is not asked for. */
export type PrivateCa = Pick<AcmeCa, 'rootPem' | 'issueDirectly'>;

export interface PipelineCertificatesOptions {
  readonly dataDir: string;
  /** The embedded CA; absent where an outside CA is used: the pipelines have one of their own then. */
  readonly ca?: PrivateCa | undefined;
  readonly vault: PairVault;
  readonly serverName: string;
  /** As it is called in the vault. */
  readonly clientName: string;
  readonly clock: Clock;
}

const validitySeconds = 90 * 86_400;
type Usage = 'server' | 'client';

/**
 * The certificates of the example connection. Those of an earlier start serve on while more than a third of their
 * life is left and the root is the same: the API's is kept below `dataDir`, the client's in the vault.
 */
export async function openPipelineCertificates(
  options: PipelineCertificatesOptions,
): Promise<PipelineCertificates> {
  const { dataDir, vault, serverName, clientName, clock } = options;
  const ca = options.ca ?? (await openPrivateCa(join(dataDir, 'etl-ca')));
  const now = clock.now();
  const fits = (pair: Pair | undefined, name: string, usage: Usage): pair is Pair =>
    pair !== undefined && isUsable(pair, { name, usage, rootPem: ca.rootPem, now });

  const directory = join(dataDir, 'etl');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const serverFile = join(directory, 'api-server.json');
  const keptServer = JSON.parse(readIfPresent(serverFile) ?? 'null') as Pair | null;
  let server = keptServer ?? undefined;
  if (!fits(server, serverName, 'server')) {
    server = await issue(ca, { name: serverName, usage: 'server', now });
    writeWhole(serverFile, `${JSON.stringify(server, undefined, 2)}\n`);
  }

  let client: Pair | undefined = await vault.readCurrent(clientName);
  if (!fits(client, clientName, 'client')) {
    client = await issue(ca, { name: clientName, usage: 'client', now });
    await putPair(vault, clientName, client);
  }
  const { privateKeyPem, fullchainPem } = client;
  return { rootPem: ca.rootPem, server, client: { name: clientName, privateKeyPem, fullchainPem } };
}

/** Makes a pair the current one of a name, unless it is that already. */
export async function putPair(
  vault: PairVault,
  name: string,
  { privateKeyPem, fullchainPem }: Pair,
): Promise<void> {
  const current = await vault.readCurrent(name);
  if (current?.privateKeyPem === privateKeyPem && current.fullchainPem === fullchainPem) return;
  const generation = (current?.generation ?? 0) + 1;
  // A pair follows a staged key; this one was asked for by no request that would have to be sent again.
  await vault.stageKey({ name, generation }, { privateKeyPem, csrPem: '' });
  await vault.promote(name, { generation, privateKeyPem, fullchainPem });
}

async function openPrivateCa(directory: string): Promise<PrivateCa> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { rootPem, intermediate } = await openHierarchy(join(directory, 'hierarchy.json'));
  const issuer = createIssuer({ intermediate, validitySeconds });
  return { rootPem, issueDirectly: (request) => issuer.issue(request) };
}

async function issue(ca: PrivateCa, wanted: { name: string; usage: Usage; now: Date }): Promise<Pair> {
  const { name, usage, now } = wanted;
  const { cryptoKeys, publicKey } = await generateKeyPair();
  const { chainPem } = await ca.issueDirectly({ names: [name], publicKey, now, validitySeconds, usage });
  return { privateKeyPem: await exportKeyPem(cryptoKeys.privateKey), fullchainPem: chainPem };
}

const usageOids = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

function isUsable(
  { privateKeyPem, fullchainPem }: Pair,
  { name, usage, rootPem, now }: { name: string; usage: Usage; rootPem: string; now: Date },
): boolean {
  const [leaf, issuer] = readChain(fullchainPem);
  if (!leaf || !issuer) return false;
  const lifeMillis = leaf.validToDate.getTime() - leaf.validFromDate.getTime();
  const leftMillis = leaf.validToDate.getTime() - now.getTime();
  return (
    leftMillis * 3 > lifeMillis &&
    leaf.checkHost(name) !== undefined &&
    (leaf.keyUsage ?? []).includes(usageOids[usage]) &&
    leaf.checkPrivateKey(createPrivateKey(privateKeyPem)) &&
    leaf.verify(issuer.publicKey) &&
    issuer.verify(new X509Certificate(rootPem).publicKey)
  );
}

/** The certificates of a PEM text, in its order. */
const readChain = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (each) => new X509Certificate(each),
  );
