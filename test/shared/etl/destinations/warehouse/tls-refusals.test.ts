import { describe, expect, it } from 'vitest';
import type { TlsPeer } from '../../../../../shared/etl/connections/tls-peer.ts';
import { createHttpsExchange } from '../../../../../shared/etl/destinations/warehouse/exchange.https.ts';
import { asFailure } from '../../../../../shared/runtime/errors.ts';
import { startTlsPeer, type TlsPeerKind } from '../../../../support/tls-peers.ts';

/** What BigQuery's and Snowflake's client meets at a peer; undefined when it was answered. */
async function refusalOf(peer: TlsPeer) {
  const exchange = createHttpsExchange(peer);
  const signal = new AbortController().signal;
  try {
    const request = {
      method: 'POST',
      path: '/',
      headers: { Authorization: 'Bearer planted' },
      signal,
    } as const;
    await exchange.send({ ...request, body: Buffer.from('{}'), timeoutMillis: 5000 });
    return undefined;
  } catch (error) {
    return asFailure(error);
  } finally {
    exchange.close();
  }
}

describe('a warehouse whose TLS is not in order', () => {
  it.each<[TlsPeerKind, string]>([
    ['expired', 'certificate-expired'],
    ['not-yet-valid', 'certificate-not-yet-valid'],
    ['wrong-host', 'certificate-wrong-host'],
    ['self-signed', 'certificate-self-signed'],
    ['untrusted-root', 'certificate-untrusted'],
    ['weak-key', 'certificate-weak-key'],
    ['tls11', 'tls-too-old'],
    ['client-required', 'client-certificate-required'],
  ])('is refused when it is %s, as %s, and the token is not told', async (kind, code) => {
    const server = await startTlsPeer(kind);
    const failure = await refusalOf(server.peer);
    await server.stop();
    expect(failure).toMatchObject({ code, disposition: 'give-up' });
    expect(String(failure?.stack)).not.toContain('planted');
  });

  it('is refused when it shows another certificate than the one that was checked', async () => {
    const server = await startTlsPeer('good');
    const failure = await refusalOf({ ...server.peer, fingerprints: ['00'.repeat(32)] });
    await server.stop();
    expect(failure).toMatchObject({ code: 'peer-not-checked' });
  });

  it('is asked when all is well', async () => {
    const server = await startTlsPeer('good');
    const failure = await refusalOf(server.peer);
    await server.stop();
    expect(failure).toBeUndefined();
  });
});
