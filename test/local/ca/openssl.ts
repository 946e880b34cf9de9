import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;

/** What `openssl verify` says about leaf and intermediate under the root; throws when it refuses. */
export function opensslVerify(rootPem: string, chainPem: string, now?: Date): string {
  const [leaf = '', intermediate = ''] = chainPem.match(certificate) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'chain-'));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', write('root.pem', rootPem)];
  const at = now === undefined ? [] : ['-attime', String(Math.floor(now.getTime() / 1000))];
  try {
    return execFileSync(
      'openssl',
      [...args, ...at, '-untrusted', write('intermediate.pem', intermediate), write('leaf.pem', leaf)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The certificate as text, with every extension. */
export const opensslText = (pem: string): string =>
  execFileSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' });
