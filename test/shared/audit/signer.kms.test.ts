import { describe, expect, it } from 'vitest';
import { createKmsSigner } from '../../../shared/audit/signer.kms.ts';
import { createFakeKms } from '../acme/fake-kms.ts';

const named = (name: string) => Object.assign(new Error('why'), { name });

describe('a signer of run records in KMS', () => {
  it('asks for the public half once, however many records it signs', async () => {
    const { client, state } = createFakeKms();
    const signer = await createKmsSigner(client, 'alias/records');
    await Promise.all([signer.sign(Buffer.from('a')), signer.sign(Buffer.from('b'))]);
    expect(state.calls).toEqual(['GetPublicKey', 'Sign', 'Sign']);
  });

  it.each([
    ['ThrottlingException', 'retry'],
    ['TimeoutError', 'retry'],
    ['AccessDeniedException', 'give-up'],
    ['KMSInvalidStateException', 'give-up'],
    ['NotFoundException', 'give-up'],
  ])('that answers %s is signer-unavailable, to be met with %s', async (name, disposition) => {
    const { client, state } = createFakeKms();
    const failure = { code: 'signer-unavailable', disposition, message: expect.stringContaining(name) };
    const signer = await createKmsSigner(client, 'alias/records');
    state.failure = named(name);
    await expect(signer.sign(Buffer.from('a'))).rejects.toMatchObject(failure);
    await expect(createKmsSigner(client, 'alias/records')).rejects.toMatchObject(failure);
  });

  it('refuses a key of another kind, with the remedy', async () => {
    await expect(createKmsSigner(createFakeKms('P-384').client, 'alias/records')).rejects.toMatchObject({
      code: 'signing-key-unusable',
      disposition: 'give-up',
      message: expect.stringContaining('ECC_NIST_P384'),
    });
  });
});
