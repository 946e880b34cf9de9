import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcmeCa } from '../../../local/ca/ca.ts';
import { createAccountConnector } from '../../../shared/acme/account.ts';
import { createMemoryAccountStore } from '../../../shared/acme/accounts.memory.ts';
import type { AcmeConnection } from '../../../shared/acme/connection.ts';
import {
  type RevocationReason,
  revocationReasons,
  revokeCertificate,
} from '../../../shared/acme/revocation.ts';
import { createTransport } from '../../../shared/acme/transport.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { startPlainCa } from '../../local/ca/subscriber.ts';
import { createFakeCa } from './fake-ca.ts';
import { obtain } from './obtain.ts';

const { signal } = new AbortController();
let ca: AcmeCa;
let own: AcmeConnection;
let stranger: AcmeConnection;

beforeAll(async () => {
  ({ ca } = await startPlainCa({ clock: systemClock }));
  const transport = createTransport({ roots: ca.rootPem });
  const open = () =>
    createAccountConnector({
      directoryUrl: ca.directoryUrl,
      accounts: createMemoryAccountStore(),
      contacts: [],
      transport,
      clock: systemClock,
    })(signal);
  own = await open();
  stranger = await open();
});
afterAll(() => ca.stop());

const isRevoked = (pem: string) => {
  const serial = new X509Certificate(pem).serialNumber.toLowerCase();
  return ca.ledger.issued.find((certificate) => certificate.serial === serial)?.revoked;
};
let issued = 0;
const aCertificate = () => obtain(own, { domains: [`revoked${++issued}.example.com`] });

describe('revoking', () => {
  it('is done by the account, and once more without harm', async () => {
    const { pem: certificatePem } = await aCertificate();
    const request = { certificatePem, reason: 'superseded' } as const;
    expect(await revokeCertificate(own.session(signal), request)).toBe('revoked');
    expect(isRevoked(certificatePem)).toBe(true);
    expect(await revokeCertificate(own.session(signal), request)).toBe('already-revoked');
  });

  it('is done with the certificate’s own key by whoever holds it, and by no other account', async () => {
    const { pem: certificatePem, privateKeyPem } = await aCertificate();
    const request = { certificatePem, reason: 'key-compromise' } as const;
    const session = stranger.session(signal);
    await expect(revokeCertificate(session, request)).rejects.toMatchObject({ code: 'acme-unauthorized' });
    expect(isRevoked(certificatePem)).toBe(false);
    expect(await revokeCertificate(session, { ...request, certificateKeyPem: privateKeyPem })).toBe(
      'revoked',
    );
    expect(isRevoked(certificatePem)).toBe(true);
  });

  it.each(Object.entries(revocationReasons))('says %s as %s', async (reason, code) => {
    const { pem: certificatePem } = await aCertificate();
    const fake = createFakeCa({ '/revoke': {} });
    const request = { certificatePem, reason: reason as RevocationReason };
    expect(await revokeCertificate(await fake.session(), request)).toBe('revoked');
    const certificate = new X509Certificate(certificatePem).raw.toString('base64url');
    // unspecified is said by saying nothing.
    expect(fake.sent.at(-1)?.payload).toEqual(code === 0 ? { certificate } : { certificate, reason: code });
  });
});
