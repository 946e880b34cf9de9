import * as x509 from '@peculiar/x509';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import type { Authority } from './authority.ts';
import { fingerprintOf } from './csr.ts';
import type { LeafRequest } from './issuance.ts';
import { spendIssued } from './issuance-limits.ts';
import { generateKeyPair } from './key-pair.ts';
import { renewsNames } from './new-order.ts';
import { AcmeProblem, unauthorized } from './problem.ts';
import { profileOf } from './profiles.ts';
import type { OrderRecord } from './records.ts';

/** The id of the order's one certificate, issued now unless it exists. @throws AcmeProblem */
export async function obtainCertificate(authority: Authority, order: OrderRecord): Promise<string> {
  const { store, issuer, clock } = authority;
  // Killed between the certificate and the order: the certificate counts, a second one would be a duplicate.
  const issued = store.certificates.findNewest(order.id);
  if (issued !== undefined) return issued.id;
  // RFC 8555, 7.3.6: what a deactivated account began ends with it.
  if (store.accounts.get(order.accountId)?.status !== 'valid')
    throw unauthorized('the account is deactivated');
  if (order.fault === 'fail-issuance') {
    throw new AcmeProblem('serverInternal', 'Error finalizing order');
  }
  const { accountId, id: orderId, names } = order;
  const isRenewal = renewsNames(authority, names);
  const { validitySeconds, commonName } = profileOf(authority.profiles, order.profile);
  const publicKey = new x509.PublicKey(Buffer.from(order.publicKey ?? '', 'base64url'));
  const wanted = { names, publicKey, now: clock.now(), validitySeconds, commonName };
  const leaf = await tamper(wanted, order.fault);
  const { serial, chainPem } = await issuer.issue(leaf);
  const certificate = store.certificates.put({
    id: serial,
    accountId,
    orderId,
    names: leaf.names,
    chainPem,
    issuedAt: clock.now().toISOString(),
    publicKeyFingerprint: fingerprintOf(leaf.publicKey),
  });
  spendIssued(authority, { names, isRenewal });
  return certificate.id;
}

/** What is issued in place of what was asked for. */
async function tamper(leaf: LeafRequest, fault: OrderRecord['fault']): Promise<LeafRequest> {
  const [first = '', ...others] = leaf.names;
  switch (fault) {
    case 'wrong-key':
      return { ...leaf, publicKey: (await generateKeyPair()).publicKey };
    case 'extra-name':
      return { ...leaf, names: [...leaf.names, 'unasked.example.net'] };
    case 'missing-name':
      return { ...leaf, names: others.length > 0 ? others : [`not-${first.replace('*.', '')}`] };
    case 'late-not-before':
      // Backdating takes one of the two hours away again.
      return { ...leaf, now: secondsAfter(leaf.now, 2 * 3600) };
    case 'for-clients-too':
      return { ...leaf, usage: 'server-and-client' };
    default:
      return leaf;
  }
}
