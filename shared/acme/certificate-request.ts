import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { derTags, writeDer } from './der.ts';
import { addressBytes } from './identifier.ts';

const generate = promisify(generateKeyPair);
const signOffLoop = promisify(sign);
export type RequestKeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** A new private key (PKCS#8, PEM), made off the event loop. */
export async function generateCertificateKey(keyType: RequestKeyType): Promise<string> {
  const { privateKey } = keyType.startsWith('ecdsa')
    ? await generate('ec', { namedCurve: keyType === 'ecdsa-p384' ? 'P-384' : 'P-256' })
    : await generate('rsa', { modulusLength: Number(keyType.slice('rsa-'.length)) });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

// Object identifiers as DER content.
const extensionRequest = Buffer.from('2a864886f70d01090e', 'hex');
const subjectAltName = Buffer.from('551d11', 'hex');
const signatureAlgorithms = {
  'ecdsa-sha256': { digest: 'sha256', oid: Buffer.from('2a8648ce3d040302', 'hex'), parameters: [] },
  'ecdsa-sha384': { digest: 'sha384', oid: Buffer.from('2a8648ce3d040303', 'hex'), parameters: [] },
  'rsa-sha256': {
    digest: 'sha256',
    oid: Buffer.from('2a864886f70d01010b', 'hex'),
    parameters: [writeDer(derTags.null)],
  },
} as const;
const dnsName = 0x82;
const ipAddress = 0x87;
const attributes = 0xa0;

/**
 * A PKCS#10 request (RFC 2986; PEM) for exactly these names and addresses, without a subject: CAs read the
 * subject alternative names alone.
 */
export async function createCertificateRequest(
  domains: readonly string[],
  privateKeyPem: string,
): Promise<string> {
  const key = createPrivateKey(privateKeyPem);
  const { digest, oid, parameters } = signatureAlgorithms[chooseAlgorithm(key)];
  const info = writeDer(
    derTags.sequence,
    writeDer(derTags.integer, Buffer.from([0])),
    writeDer(derTags.sequence),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    writeDer(attributes, writeNamesAttribute(domains)),
  );
  const signature = await signOffLoop(digest, info, key);
  const request = writeDer(
    derTags.sequence,
    info,
    writeDer(derTags.sequence, writeDer(derTags.oid, oid), ...parameters),
    writeDer(derTags.bitString, Buffer.from([0]), signature),
  );
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** The attribute extensionRequest (RFC 2985, 5.4.2) with the names alone. */
function writeNamesAttribute(domains: readonly string[]): Buffer {
  const names = domains.map((name) =>
    isIP(name) ? writeDer(ipAddress, addressBytes(name)) : writeDer(dnsName, Buffer.from(name, 'latin1')),
  );
  const extension = writeDer(
    derTags.sequence,
    writeDer(derTags.oid, subjectAltName),
    writeDer(derTags.octetString, writeDer(derTags.sequence, ...names)),
  );
  return writeDer(
    derTags.sequence,
    writeDer(derTags.oid, extensionRequest),
    writeDer(derTags.set, writeDer(derTags.sequence, extension)),
  );
}

function chooseAlgorithm(key: KeyObject): keyof typeof signatureAlgorithms {
  if (key.asymmetricKeyType === 'rsa') return 'rsa-sha256';
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ecdsa-sha384' : 'ecdsa-sha256';
}
