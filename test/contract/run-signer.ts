import { describe, expect, it } from 'vitest';
import { type Signer, type TrustedKey, trustKey } from '../../shared/audit/signer.ts';

/** What every signer of run records promises; `make` also tells the public half, as a verifier is given it. */
export function describeRunSignerContract(
  name: string,
  make: () => Promise<{ signer: Signer; publicKeyPem: string }>,
): void {
  const open = async (): Promise<{ signer: Signer; trusted: TrustedKey }> => {
    const { signer, publicKeyPem } = await make();
    return { signer, trusted: trustKey(publicKeyPem) };
  };

  describe(`signer of run records: ${name}`, () => {
    it('is found by the name of its public key', async () => {
      const { signer, trusted } = await open();
      expect(signer.keyId).toBe(trusted.keyId);
      expect(signer.keyId).toMatch(/^[0-9a-f]{64}$/);
    });

    it.each([0, 1, 4_096, 4_097, 100_000])('signs %i bytes so that a verifier agrees', async (bytes) => {
      const { signer, trusted } = await open();
      const data = Buffer.alloc(bytes, 7);
      const signature = await signer.sign(data);
      expect(signature).toHaveLength(64);
      expect(trusted.verify(data, signature)).toBe(true);
      expect(trusted.verify(Buffer.concat([data, Buffer.from('x')]), signature)).toBe(false);
    });

    it('knows its own signatures, and those alone', async () => {
      const { signer } = await open();
      const signature = await signer.sign(Buffer.from('mine'));
      expect(signer.verify(Buffer.from('mine'), signature)).toBe(true);
      expect(signer.verify(Buffer.from('yours'), signature)).toBe(false);
      expect(signer.verify(Buffer.from('mine'), Buffer.alloc(64, 1))).toBe(false);
      expect(signer.verify(Buffer.from('mine'), Buffer.alloc(0))).toBe(false);
    });

    it('signs for many at once', async () => {
      const { signer, trusted } = await open();
      const messages = Array.from({ length: 20 }, (_, index) => Buffer.from(`record ${index}`));
      const signatures = await Promise.all(messages.map((data) => signer.sign(data)));
      const verdicts = messages.map((data, index) =>
        trusted.verify(data, signatures[index] ?? Buffer.alloc(0)),
      );
      expect(verdicts).toEqual(messages.map(() => true));
    });
  });
}
