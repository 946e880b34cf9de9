import { generateKeyPairSync } from 'node:crypto';
import { createKmsSigner } from '../../shared/acme/account-key.kms.ts';
import { createPemSigner, generateAccountKey } from '../../shared/acme/account-key.ts';
import { createFakeKms } from '../shared/acme/fake-kms.ts';
import { describeAccountSignerContract } from './account-signer.ts';

const toPem = ({ privateKey }: ReturnType<typeof generateKeyPairSync>) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describeAccountSignerContract('PEM, P-256', async () => createPemSigner(generateAccountKey()));
describeAccountSignerContract('PEM, P-384', async () =>
  createPemSigner(toPem(generateKeyPairSync('ec', { namedCurve: 'P-384' }))),
);
describeAccountSignerContract('PEM, RSA', async () =>
  createPemSigner(toPem(generateKeyPairSync('rsa', { modulusLength: 2048 }))),
);
describeAccountSignerContract('KMS', async () => createKmsSigner(createFakeKms().client, 'alias/acme'));
