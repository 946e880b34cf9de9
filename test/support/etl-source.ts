import { createServer } from 'node:https';
import { portOf } from '../../local/loopback.ts';
import { createTestCa } from './test-ca.ts';

/**
 * An HTTPS API on 127.0.0.1 that answers every request with `records` as NDJSON. Asked to, it keeps a request waiting,
 * or shows each connection another certificate than the one before.
 */
export async function startSource(records: readonly object[]) {
  const ca = await createTestCa();
  const issue = () => ca.issue({ domains: ['localhost'], addresses: ['127.0.0.1'], usages: ['serverAuth'] });
  const [one, other] = [await issue(), await issue()];
  let shown = one;
  let changesCertificate = false;
  let waiting = Promise.withResolvers<void>();
  let released: Promise<void> | undefined;
  let requests = 0;
  const terms = ({ privateKeyPem, fullchainPem }: typeof one) => ({ key: privateKeyPem, cert: fullchainPem });
  const server = createServer({ ...terms(one), minVersion: 'TLSv1.2' }, (_request, response) => {
    requests += 1;
    const held = released;
    released = undefined;
    waiting.resolve();
    void Promise.resolve(held).then(() => {
      response.setHeader('content-type', 'application/x-ndjson');
      response.end(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    });
  });
  server.on('connection', () => {
    if (!changesCertificate) return;
    shown = shown === one ? other : one;
    server.setSecureContext(terms(shown));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${portOf(server)}/records`,
    rootPem: ca.rootPem,
    get requests() {
      return requests;
    },
    changeCertificates() {
      changesCertificate = true;
    },
    /** Keeps the next request waiting until it is let go; `arrived` once it is there. */
    keepNext(): { readonly arrived: Promise<void>; letGo(): void } {
      const gate = Promise.withResolvers<void>();
      waiting = Promise.withResolvers<void>();
      released = gate.promise;
      return { arrived: waiting.promise, letGo: gate.resolve };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
