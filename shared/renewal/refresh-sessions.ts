import type { CertificateAuthority } from '../acme/catalogue.ts';
import type { OpenConnection } from '../acme/connection.ts';
import { type Authorities, rankPermitted } from './authorities.ts';
import type { FindSession } from './refresh-renewal-info.ts';

/**
 * Sessions with the deployment's CAs and with the one a certificate's own policy names, each connected to when it
 * is first asked. `open` makes the connection; it needs no account.
 */
export function createSessionFinder(
  authorities: Pick<Authorities, 'preferred'>,
  open: (authority: CertificateAuthority) => OpenConnection,
): FindSession {
  const connections = new Map<string, OpenConnection>();
  return async ({ directoryUrl, firstChoice }, signal) => {
    const configured = rankPermitted(authorities, firstChoice);
    const authority = configured?.find((each) => each.directoryUrl === directoryUrl);
    if (!authority) return undefined;
    const connection = connections.get(directoryUrl) ?? open(authority);
    connections.set(directoryUrl, connection);
    return connection.session(signal);
  };
}
