import { type CertificateAuthority, findAuthority } from '../acme/catalogue.ts';
import type { AcmeConnection } from '../acme/connection.ts';
import { Failure } from '../runtime/errors.ts';

/** The CAs of this deployment. */
export interface Authorities {
  /** In order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  /** The deployment's account at this CA; opened once per process. */
  connect(directoryUrl: string, signal: AbortSignal): Promise<AcmeConnection>;
}

/** The name under which a CA's limits are kept: CAs outside the catalogue are told apart by their directory. */
export const limitsNameOf = (authority: CertificateAuthority): string =>
  authority.id === 'custom' ? authority.directoryUrl : authority.id;

/** One account per CA serves the whole deployment, as Let's Encrypt asks of large users. */
export const deploymentAccount = 'default';

/**
 * The deployment's CAs, with the certificate's own first choice before them: one of theirs or of the catalogue. Any
 * other directory would let whoever writes the inventory have workers call hosts of their choosing.
 * @throws Failure `unknown-authority`, `authority-not-configured`
 */
export function rankAuthorities(
  { preferred }: Pick<Authorities, 'preferred'>,
  firstChoice: string | undefined,
): readonly CertificateAuthority[] {
  if (firstChoice === undefined) return preferred;
  const first = findAuthority(firstChoice);
  const others = preferred.filter(({ directoryUrl }) => directoryUrl !== first.directoryUrl);
  if (first.id === 'custom' && others.length === preferred.length) throw notConfigured(first);
  return [first, ...others];
}

/** As rankAuthorities; undefined where the first choice may not be asked. */
export function rankPermitted(
  authorities: Pick<Authorities, 'preferred'>,
  firstChoice: string | undefined,
): readonly CertificateAuthority[] | undefined {
  try {
    return rankAuthorities(authorities, firstChoice);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const notConfigured = ({ directoryUrl }: CertificateAuthority) =>
  new Failure({
    code: 'authority-not-configured',
    disposition: 'give-up',
    message: `the inventory asks for the CA ${directoryUrl}, which is not in the catalogue; name it in ACME_DIRECTORY_URL or ACME_FALLBACKS`,
  });

type Connect = (signal: AbortSignal) => Promise<AcmeConnection>;

/** The CAs in this order, each connected to when it is first asked; `open` makes the connector of a directory. */
export function createAuthorities(
  preferred: readonly CertificateAuthority[],
  open: (authority: CertificateAuthority) => Connect,
): Authorities {
  const connectors = new Map<string, Connect>();
  return {
    preferred,
    connect(directoryUrl, signal) {
      const known = connectors.get(directoryUrl) ?? open(findAuthority(directoryUrl));
      connectors.set(directoryUrl, known);
      return known(signal);
    },
  };
}
