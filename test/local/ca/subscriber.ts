import { X509Certificate } from 'node:crypto';
import { startAcmeCa } from '../../../local/ca/ca.ts';
import type { AcmeCaOptions } from '../../../local/ca/ca-options.ts';
import { aCsr } from './ca-client.ts';
import { RawClient, type RawReply } from './raw-client.ts';

/** A clock that stands still until it is moved; whoever sleeps wakes up at once. */
export function aStoppedClock(now = new Date('2026-11-22T06:00:00Z')) {
  let millis = now.getTime();
  return {
    now: () => new Date(millis),
    sleep: () => Promise.resolve(),
    move: (seconds: number) => {
      millis += seconds * 1000;
    },
  };
}

/** A CA that asks for no proofs and leaves nothing to chance, with a clock to move. */
export async function startPlainCa(options: Partial<AcmeCaOptions> = {}) {
  const clock = aStoppedClock();
  const ca = await startAcmeCa({
    httpPort: () => 1,
    tlsPort: () => 1,
    dnsServer: () => ({ host: '127.0.0.1', port: 1 }),
    badNonceRate: 0,
    finalizeMillis: 0,
    preauthorized: true,
    random: () => 0,
    clock,
    ...options,
  });
  return { ca, clock };
}

const identifiersOf = (names: readonly string[]) =>
  names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value }));

/** An account that asks for certificates without a library in between, and sees every answer as it is. */
export async function aSubscriber(ca: { directoryUrl: string; rootPem: string }) {
  const raw = new RawClient(ca);
  const account = await raw.register();
  const post = (url: string, payload?: unknown, header: Readonly<Record<string, unknown>> = {}) =>
    raw.post({ url, payload, header, ...account });
  const newOrder = (names: readonly string[], extra: Readonly<Record<string, unknown>> = {}) =>
    post(`${raw.origin}/acme/new-order`, { identifiers: identifiersOf(names), ...extra });
  const finalize = async (order: RawReply, names: readonly string[]) => {
    const [, pem] = await aCsr([...names]);
    const csr = Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64').toString(
      'base64url',
    );
    return post(String(order.json?.finalize), { csr });
  };
  return {
    raw,
    accountUrl: account.kid,
    post,
    newOrder,
    finalize,
    /** From newOrder to chain. */
    async issue(names: readonly string[], extra: Readonly<Record<string, unknown>> = {}) {
      const order = await newOrder(names, extra);
      const finalized = await finalize(order, names);
      if (typeof finalized.json?.certificate !== 'string') {
        throw new Error(`no certificate: ${finalized.text}, ordered by ${order.text}`);
      }
      const { text: chainPem, headers } = await post(finalized.json.certificate);
      return { order, chainPem, headers, leaf: new X509Certificate(chainPem), ...identify(chainPem) };
    },
    /** Gives up the first authorization of an order for this name, which counts as a failure. */
    async fail(name: string) {
      const order = await newOrder([name]);
      return post(authorizationsOf(order)[0] ?? '', { status: 'deactivated' });
    },
  };
}

export const authorizationsOf = ({ json }: RawReply): readonly string[] =>
  Array.isArray(json?.authorizations) ? json.authorizations.map(String) : [];

export type Subscriber = Awaited<ReturnType<typeof aSubscriber>>;

/** The certificate's serial and its identifier (RFC 9773, 4.1). */
export function identify(chainPem: string): { serial: string; certId: string } {
  const [leaf = '', issuer = ''] = chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);
  const serial = new X509Certificate(leaf).serialNumber.toLowerCase();
  // The last twenty octets of an intermediate's subjectKeyIdentifier extension, found by its OID and lengths.
  const der = new X509Certificate(issuer).raw;
  const at = der.indexOf(Buffer.from('0603551d0e041604 14'.replace(' ', ''), 'hex')) + 9;
  const keyId = der.subarray(at, at + 20).toString('base64url');
  const bytes = Buffer.from(Number.parseInt(serial[0] ?? '', 16) >= 8 ? `00${serial}` : serial, 'hex');
  return { serial, certId: `${keyId}.${bytes.toString('base64url')}` };
}

/** The last part of the problem's type, with the status. */
export const refusal = ({ status, json }: RawReply): string =>
  `${status} ${String(json?.type).split(':').at(-1)}`;
