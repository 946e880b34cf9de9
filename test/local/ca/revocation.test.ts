import { createPrivateKey, X509Certificate } from 'node:crypto';
import acme from 'acme-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  anOrder,
  aRegisteredClient,
  type CaWithProofs,
  obtain,
  prove,
  startCaWithProofs,
} from './ca-client.ts';
import { RawClient } from './raw-client.ts';

let setup: CaWithProofs;
let client: acme.Client;
beforeAll(async () => {
  setup = await startCaWithProofs();
  client = await aRegisteredClient(setup.ca);
});
afterAll(() => setup.stop());

const isRevoked = (chainPem: string) => {
  const serial = new X509Certificate(chainPem).serialNumber.toLowerCase();
  return setup.ca.ledger.issued.find((certificate) => certificate.serial === serial)?.revoked;
};

describe('revoking', () => {
  it('is done by the account that ordered, once', async () => {
    const { chainPem } = await obtain(setup, client, { names: ['revoke.example.com'] });
    expect(isRevoked(chainPem)).toBe(false);
    await client.revokeCertificate(chainPem, { reason: 4 });
    expect(isRevoked(chainPem)).toBe(true);
    await expect(client.revokeCertificate(chainPem)).rejects.toThrow('was revoked at');
  });

  it.each([2, 6, 10, -1])('is refused for reason %i', async (reason) => {
    const { chainPem } = await obtain(setup, client, { names: ['reason.example.com'] });
    await expect(client.revokeCertificate(chainPem, { reason })).rejects.toThrow('reason is one of');
    expect(isRevoked(chainPem)).toBe(false);
  });

  it('is done by an account that controls every name, and by no other', async () => {
    const { chainPem } = await obtain(setup, client, { names: ['control.example.com'] });
    const other = await aRegisteredClient(setup.ca);
    await expect(other.revokeCertificate(chainPem)).rejects.toThrow('neither the account nor the key');
    const order = await anOrder(other, 'control.example.com');
    await prove(setup, other, { order, type: 'http-01' });
    await other.revokeCertificate(chainPem);
    expect(isRevoked(chainPem)).toBe(true);
  });

  it("is done by the certificate's own key without an account", async () => {
    const { chainPem, key } = await obtain(setup, client, { names: ['own-key.example.com'] });
    const raw = new RawClient(setup.ca);
    const url = `${raw.origin}/acme/revoke-cert`;
    const certificate = new X509Certificate(chainPem).raw.toString('base64url');
    const payload = { certificate, reason: 1 };
    const stranger = await acme.crypto.createPrivateEcdsaKey();
    const refused = await raw.post({ url, payload, key: createPrivateKey(stranger) });
    const accepted = await raw.post({ url, payload, key: createPrivateKey(key) });
    raw.close();
    expect([refused.status, accepted.status]).toEqual([403, 200]);
    expect(isRevoked(chainPem)).toBe(true);
  });

  it('is refused for a certificate of another CA and for no certificate at all', async () => {
    const other = await startCaWithProofs();
    const foreign = other.ca.rootPem;
    await other.stop();
    await expect(client.revokeCertificate(foreign)).rejects.toThrow('did not issue');
    const raw = new RawClient(setup.ca);
    const account = await raw.register();
    const url = `${raw.origin}/acme/revoke-cert`;
    const reply = await raw.post({ url, payload: { certificate: 'AAAA' }, ...account });
    raw.close();
    expect(reply.json?.type).toBe('urn:ietf:params:acme:error:malformed');
  });
});
