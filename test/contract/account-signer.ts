import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AccountSigner } from '../../shared/acme/account-key.ts';

/** `make` answers a signer of a new key. */
export function describeAccountSignerContract(adapter: string, make: () => Promise<AccountSigner>) {
  describe(`an account signer (${adapter})`, () => {
    let signer: AccountSigner;
    beforeAll(async () => {
      signer = await make();
    });

    it('shows the public members of its key alone', async () => {
      const jwk = await signer.jwk();
      const members = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
      expect(Object.keys(jwk)).toEqual(members);
    });

    it('signs as its algorithm says, however long the message', async () => {
      const key = createPublicKey({ key: await signer.jwk(), format: 'jwk' });
      const digest = signer.alg === 'ES384' ? 'sha384' : 'sha256';
      for (const bytes of [0, 1, 5000, 100_000]) {
        const data = Buffer.alloc(bytes, 7);
        const signature = await signer.sign(data);
        expect(verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
      }
    });

    it('signs for many at once', async () => {
      const key = createPublicKey({ key: await signer.jwk(), format: 'jwk' });
      const digest = signer.alg === 'ES384' ? 'sha384' : 'sha256';
      const messages = Array.from({ length: 20 }, (_, index) => Buffer.from(`message ${index}`));
      const signatures = await Promise.all(messages.map((data) => signer.sign(data)));
      for (const [index, data] of messages.entries())
        expect(
          verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signatures[index] ?? Buffer.alloc(0)),
        ).toBe(true);
    });
  });
}
