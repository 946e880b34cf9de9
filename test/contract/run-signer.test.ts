import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll } from 'vitest';
import { createKmsSigner } from '../../shared/audit/signer.kms.ts';
import { createPemSigner } from '../../shared/audit/signer.ts';
import { startEmbeddedKms } from './embedded-kms.ts';
import { describeRunSignerContract } from './run-signer.ts';

let kms: Awaited<ReturnType<typeof startEmbeddedKms>>;
beforeAll(async () => {
  kms = await startEmbeddedKms();
});
afterAll(() => kms.stop());

const spkiPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const atHand = async ({ privateKey, publicKey }: ReturnType<typeof generateKeyPairSync>) => ({
  signer: createPemSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  publicKeyPem: spkiPem(publicKey),
});

describeRunSignerContract('PEM, Ed25519', () => atHand(generateKeyPairSync('ed25519')));
describeRunSignerContract('PEM, P-256', () => atHand(generateKeyPairSync('ec', { namedCurve: 'P-256' })));
describeRunSignerContract('KMS', async () => {
  const { PublicKey = new Uint8Array() } = await kms.client.send(
    new GetPublicKeyCommand({ KeyId: 'alias/records' }),
  );
  const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  return {
    signer: await createKmsSigner(kms.client, 'alias/records'),
    publicKeyPem: spkiPem(publicKey),
  };
});
