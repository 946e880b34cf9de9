import type { Authority } from './authority.ts';
import { readCertificateIdentifier } from './certificate-identifier.ts';
import { statusOf } from './orders.ts';
import { AcmeProblem, malformed, notFound, unauthorized } from './problem.ts';
import type { AccountRecord } from './records.ts';
import { renewalWindowOf } from './renewal-windows.ts';
import { replacementIndexKey } from './store.ts';

export interface Replacement {
  /** As the client wrote it. */
  readonly replaces: string;
  readonly serial: string;
  /** Inside the suggested window: free of every limit on orders. */
  readonly exempt: boolean;
}

/**
 * A newOrder's `replaces` (RFC 9773, 5), judged in Boulder's order (wfe2 validateReplacementOrder). An earlier
 * replacement counts as soon as its order exists, until that expires or turns invalid.
 * @throws AcmeProblem `alreadyReplaced`, `unauthorized`, or `malformed` with status 404 or 400
 */
export function readReplacement(
  authority: Authority,
  order: { account: AccountRecord; names: readonly string[]; replaces: unknown },
): Replacement | undefined {
  const { store, issuer, clock, renewalInfo } = authority;
  const { account, names, replaces } = order;
  if (replaces === undefined || replaces === '' || renewalInfo === undefined) return undefined;
  if (typeof replaces !== 'string') throw malformed('replaces is a certificate identifier');
  const serial = readCertificateIdentifier(replaces, issuer.keyId);
  refuseReplaced(authority, serial);
  const certificate = store.certificates.get(serial);
  if (certificate === undefined) {
    throw notFound(
      `request included \`replaces\` field, but no current certificate with serial "${serial}" exists`,
    );
  }
  if (certificate.accountId !== account.id) {
    throw unauthorized('requester account did not request the certificate being replaced by this order');
  }
  if (!names.some((name) => covers(certificate.names, name))) {
    throw malformed(
      'identifiers in this order do not match any identifiers in the certificate being replaced',
    );
  }
  const now = clock.now();
  const { start, end } = renewalWindowOf(certificate, renewalInfo, now);
  return { replaces, serial, exempt: start <= now && now < end };
}

function refuseReplaced(authority: Authority, serial: string): void {
  const earlier = authority.store.orders.findNewest(replacementIndexKey(serial));
  if (earlier === undefined || statusOf(authority, earlier) === 'invalid') return;
  throw new AcmeProblem(
    'alreadyReplaced',
    `cannot indicate an order replaces certificate with serial "${serial}", which already has a replacement order`,
  );
}

const covers = (certified: readonly string[], name: string): boolean =>
  certified.includes(name) || certified.includes(`*${name.slice(name.indexOf('.'))}`);
