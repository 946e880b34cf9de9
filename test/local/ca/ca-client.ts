import { Agent } from 'node:https';
import acme from 'acme-client';
import { startAcmeCa } from '../../../local/ca/ca.ts';
import type { AcmeCaOptions } from '../../../local/ca/ca-options.ts';
import { anAlpnIdentity, startDnsProofs, startHttpProofs, startTlsProofs } from './proof-servers.ts';

/** A CA together with the three places where it looks for proofs. */
export async function startCaWithProofs(options: Partial<AcmeCaOptions> = {}) {
  const [http, dns, tls] = await Promise.all([startHttpProofs(), startDnsProofs(), startTlsProofs()]);
  const start = (more: Partial<AcmeCaOptions> = {}) =>
    startAcmeCa({
      httpPort: () => http.port,
      tlsPort: () => tls.port,
      dnsServer: () => dns.server,
      badNonceRate: 0,
      finalizeMillis: 0,
      ...options,
      ...more,
    });
  const ca = await start();
  return {
    ca,
    http,
    dns,
    tls,
    /** Another CA process before the same proofs. */
    startAnother: start,
    async stop() {
      await ca.stop();
      http.stop();
      dns.stop();
      tls.stop();
    },
  };
}

export type CaWithProofs = Awaited<ReturnType<typeof startCaWithProofs>>;

/** acme-client with short polls, trusting this CA alone; one CA at a time, since its HTTP client is shared. */
export async function aClient(
  ca: { directoryUrl: string; rootPem: string },
  options: Partial<acme.ClientOptions> = {},
): Promise<acme.Client> {
  acme.axios.defaults.httpsAgent = new Agent({ ca: ca.rootPem });
  return new acme.Client({
    directoryUrl: ca.directoryUrl,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    backoffMin: 5,
    backoffMax: 50,
    backoffAttempts: 100,
    ...options,
  });
}

/** A client whose account exists. */
export async function aRegisteredClient(ca: { directoryUrl: string; rootPem: string }): Promise<acme.Client> {
  const client = await aClient(ca);
  await client.createAccount({ termsOfServiceAgreed: true, contact: ['mailto:ops@example.com'] });
  return client;
}

export const anOrder = (client: acme.Client, ...names: string[]): Promise<acme.Order> =>
  client.createOrder({ identifiers: names.map((value) => ({ type: 'dns', value })) });

/** Polls an order or authorization; acme-client's types know challenges alone. */
export const untilValid = (client: acme.Client, item: acme.Order | acme.Authorization) =>
  client.waitForValidStatus(item as unknown as Parameters<acme.Client['waitForValidStatus']>[0]);

/** Shows the proofs of every pending authorization, asks for validation, and waits until the CA is content. */
export async function prove(
  { http, dns, tls }: CaWithProofs,
  client: acme.Client,
  { order, type }: { order: acme.Order; type: 'http-01' | 'dns-01' | 'tls-alpn-01' },
): Promise<void> {
  for (const authorization of await client.getAuthorizations(order)) {
    const challenge = authorization.challenges.find((candidate) => candidate.type === type);
    if (authorization.status !== 'pending' || challenge === undefined) continue;
    const domain = authorization.identifier.value;
    const proof = await client.getChallengeKeyAuthorization(challenge);
    if (type === 'http-01') http.answers.set(`${domain}/${challenge.token}`, proof);
    else if (type === 'tls-alpn-01') tls.identities.set(domain, await anAlpnIdentity(domain, proof));
    else {
      const name = `_acme-challenge.${domain}`;
      dns.records.set(name, [...(dns.records.get(name) ?? []), proof]);
    }
    await client.completeChallenge(challenge);
    await untilValid(client, authorization);
  }
}

/** From order to chain, http-01 unless told otherwise. */
export async function obtain(
  setup: CaWithProofs,
  client: acme.Client,
  want: { names: string[]; type?: 'http-01' | 'dns-01' | 'tls-alpn-01'; key?: Buffer },
): Promise<{ order: acme.Order; chainPem: string; key: Buffer }> {
  const order = await anOrder(client, ...want.names);
  await prove(setup, client, { order, type: want.type ?? 'http-01' });
  const [key, csr] = await aCsr(want.names, want.key);
  const finalized = await client.finalizeOrder(order, csr);
  return { order: finalized, chainPem: await client.getCertificate(finalized), key };
}

export async function aCsr(names: string[], key?: Buffer): Promise<[key: Buffer, csr: Buffer]> {
  const privateKey = key ?? (await acme.crypto.createPrivateEcdsaKey());
  const [, csr] = await acme.crypto.createCsr({ commonName: names[0] ?? '', altNames: names }, privateKey);
  return [privateKey, csr];
}
