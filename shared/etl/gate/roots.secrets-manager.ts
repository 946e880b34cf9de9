import { z } from 'zod';
import type { SecretStore } from '../../runtime/secrets.ts';
import { readCertificates } from './trust-path.ts';

/** Whom to trust at one end: `pem` in place of the public roots, which are meant where it is absent. */
export type Roots = { readonly pem?: string | undefined } | { readonly problem: string };

const rootsSecret = z.object({ pem: z.string().max(1_000_000) });

/**
 * Reads the roots a pipeline names. A secret that is not there or holds no certificate is a problem of the
 * pipeline's.
 * @throws Failure `vault-unavailable`
 */
export function createRootsReader(parts: {
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly secretsPrefix: string;
}): (caSecret: string | undefined) => Promise<Roots> {
  return async (caSecret) => {
    if (caSecret === undefined) return {};
    const name = `${parts.secretsPrefix}/${caSecret}`;
    const secret = rootsSecret.safeParse(await parts.secrets.read(name));
    if (secret.success && holdsCertificates(secret.data.pem)) return { pem: secret.data.pem };
    return { problem: `the roots to trust are not in the secret ${name}; put {"pem": "…"} there` };
  };
}

function holdsCertificates(pem: string): boolean {
  try {
    return readCertificates(pem).length > 0;
  } catch {
    return false;
  }
}
