import * as z from 'zod';
import { type CertificateAuthority, findAuthority } from '../acme/catalogue.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';

const settings = z.object({
  ACME_DIRECTORY_URL: z.url({ protocol: /^https$/ }),
  /** Catalogue ids or directory URLs, separated by commas, asked in this order when the first cannot issue. */
  ACME_FALLBACKS: z.string().default(''),
});

/**
 * The deployment's CAs, the first choice first.
 * @throws Failure `invalid-configuration`, `unknown-authority`
 */
export function readPreferredAuthorities(env: Environment): readonly CertificateAuthority[] {
  const { ACME_DIRECTORY_URL, ACME_FALLBACKS } = parseConfig(settings, env);
  const named = [ACME_DIRECTORY_URL, ...ACME_FALLBACKS.split(',')].map((entry) => entry.trim());
  return named.filter(Boolean).map(findAuthority);
}
