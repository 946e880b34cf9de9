import { createHash } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { nameOf, ValidationFailure, type ValidationTarget } from './proof.ts';

const attemptMillis = 2000;
const attempts = 3;

/** dns-01 (RFC 8555, 8.4): any one TXT record with the right digest is enough. @throws ValidationFailure */
export async function validateDns01(
  { domain, keyAuthorization }: ValidationTarget,
  server: { host: string; port: number },
  signal: AbortSignal,
): Promise<void> {
  const name = `_acme-challenge.${domain}`;
  const expected = createHash('sha256').update(keyAuthorization).digest('base64url');
  const values = await queryTxt(name, server, signal);
  if (values.length === 0) throw new ValidationFailure('unauthorized', `no TXT record found at ${name}`);
  if (!values.includes(expected)) {
    throw new ValidationFailure(
      'unauthorized',
      `none of ${values.length} TXT records at ${name} is the expected`,
    );
  }
}

async function queryTxt(
  name: string,
  { host, port }: { host: string; port: number },
  signal: AbortSignal,
): Promise<string[]> {
  // A resolver of its own per query: it caches answers, and the next query must see what is there then.
  const resolver = new Resolver({ timeout: attemptMillis, tries: attempts });
  resolver.setServers([`${isIPv6(host) ? `[${host}]` : host}:${port}`]);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const records = await resolver.resolveTxt(name);
    return records.map((strings) => strings.join(''));
  } catch (error) {
    const code = nameOf(error);
    if (code === 'ENODATA') return [];
    throw new ValidationFailure('dns', `looking up TXT for ${name} failed: ${code}`);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
