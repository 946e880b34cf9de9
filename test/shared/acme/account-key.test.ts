import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKmsSigner, createSignerFor } from '../../../shared/acme/account-key.kms.ts';
import {
  createPemSigner,
  createStoredKeySigner,
  generateAccountKey,
} from '../../../shared/acme/account-key.ts';
import { createFakeKms } from './fake-kms.ts';

const data = Buffer.from('to be signed');
const named = (name: string) => Object.assign(new Error('why'), { name });

describe('a key at hand', () => {
  it.each([
    ['no key', 'nonsense-canary', 'is not a private key'],
    [
      'a curve no CA takes',
      generateKeyPairSync('ec', { namedCurve: 'P-521' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
      'EC P-521',
    ],
  ])('is refused when it is %s, without being shown', (_, pem, what) => {
    let message = '';
    try {
      createPemSigner(pem);
    } catch (error) {
      expect(error).toMatchObject({ code: 'account-key-unusable', disposition: 'give-up' });
      message = String(error);
    }
    expect(message).toContain(what);
    expect(message).not.toContain('canary');
  });

  it('is missed with its remedy where an account has none, or one in KMS that nobody can use here', () => {
    expect(() => createStoredKeySigner({})).toThrow(expect.objectContaining({ code: 'signer-missing' }));
    expect(() => createStoredKeySigner({ kmsKeyId: 'alias/acme' })).toThrow(/alias\/acme.*kms:Sign/);
  });
});

describe('a key in KMS', () => {
  it('is asked for its public half once, however many requests it signs', async () => {
    const { client, state } = createFakeKms();
    const signer = createKmsSigner(client, 'alias/acme');
    await Promise.all([signer.jwk(), signer.jwk(), signer.sign(data), signer.sign(data)]);
    expect(state.calls.toSorted()).toEqual(['GetPublicKey', 'Sign', 'Sign']);
  });

  it.each([
    ['ThrottlingException', 'retry'],
    ['TimeoutError', 'retry'],
    ['KMSInternalException', 'retry'],
    ['AccessDeniedException', 'give-up'],
    ['DisabledException', 'give-up'],
    ['NotFoundException', 'give-up'],
  ])('that answers %s is signer-unavailable, to be met with %s', async (name, disposition) => {
    const { client, state } = createFakeKms();
    state.failure = named(name);
    const signer = createKmsSigner(client, 'alias/acme');
    const failure = { code: 'signer-unavailable', disposition, message: expect.stringContaining(name) };
    await expect(signer.sign(data)).rejects.toMatchObject(failure);
    await expect(signer.jwk()).rejects.toMatchObject(failure);
  });

  it('is asked again after a failure', async () => {
    const { client, state } = createFakeKms();
    state.failure = named('ThrottlingException');
    const signer = createKmsSigner(client, 'alias/acme');
    await expect(signer.jwk()).rejects.toThrow();
    delete state.failure;
    expect(await signer.jwk()).toMatchObject({ crv: 'P-256' });
  });

  it('of another spec is refused with the remedy', async () => {
    await expect(createKmsSigner(createFakeKms('P-384').client, 'alias/acme').jwk()).rejects.toMatchObject({
      code: 'account-key-unusable',
      message: expect.stringContaining('ECC_NIST_P384'),
    });
  });

  it('signs only for accounts that name it', async () => {
    const { client, state } = createFakeKms();
    const signerFor = createSignerFor(client);
    await signerFor({ privateKeyPem: generateAccountKey() }).sign(data);
    expect(state.calls).toEqual([]);
    await signerFor({ kmsKeyId: 'alias/acme' }).sign(data);
    expect(state.calls).toEqual(['Sign']);
  });
});
