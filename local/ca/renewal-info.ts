import { Failure } from '../../shared/runtime/errors.ts';
import { type AcmeReply, type Authority, printInstant } from './authority.ts';
import { readCertificateIdentifier } from './certificate-identifier.ts';
import { notFound } from './problem.ts';
import { type RenewalWindow, renewalWindowOf } from './renewal-windows.ts';
import { nameSetIndexKey } from './store.ts';

/** renewalInfo (RFC 9773, 4.2): unsigned, without a nonce. */
export function showRenewalInfo(
  authority: Authority,
  { path: [id = ''] }: { path: readonly string[] },
): AcmeReply {
  const { store, issuer, clock, renewalInfo } = authority;
  if (renewalInfo === undefined) throw notFound('this CA has no renewal information');
  const certificate = store.certificates.get(readCertificateIdentifier(id, issuer.keyId));
  if (certificate === undefined) throw notFound('Requested certificate was not found');
  const { start, end } = renewalWindowOf(certificate, renewalInfo, clock.now());
  const explanationURL = renewalInfo.moved.get(certificate.id)?.explanationUrl;
  return {
    status: 200,
    json: {
      suggestedWindow: { start: printInstant(start), end: printInstant(end) },
      ...(explanationURL === undefined ? {} : { explanationURL }),
    },
    headers: { 'retry-after': String(renewalInfo.retryAfterSeconds) },
  };
}

/**
 * Moves the window of one certificate: by serial, or the newest for exactly these names. It may be any window,
 * a reversed one too; the exemption from limits moves along.
 * @throws Failure `no-certificate-to-move`
 */
export function moveRenewalWindow(
  { store, renewalInfo }: Authority,
  certificate: string | readonly string[],
  moved: { window: RenewalWindow; explanationUrl: string | undefined },
): void {
  const found =
    typeof certificate === 'string'
      ? store.certificates.get(certificate.toLowerCase())
      : store.certificates.findNewest(nameSetIndexKey([...certificate].sort()));
  if (found === undefined || renewalInfo === undefined) {
    throw new Failure({
      code: 'no-certificate-to-move',
      disposition: 'bug',
      message: `the local CA has no renewal window for ${JSON.stringify(certificate)}; give a serial or all names`,
    });
  }
  renewalInfo.moved.set(found.id, moved);
}
