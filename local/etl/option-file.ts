import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that an option of the command line names. Errors are for people and begin with the option. */
export interface OptionFile {
  readonly option: string;
  readonly path: string;
}

/** @throws Error */
export function readOptionFile({ option, path }: OptionFile): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`);
  }
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The PEM text, and the certificates in it; one at least. @throws Error */
export function readCertificates(file: OptionFile): {
  pem: string;
  certificates: readonly X509Certificate[];
} {
  const pem = readOptionFile(file);
  const found = pem.match(certificatePattern) ?? [];
  if (found.length === 0) throw new Error(`${file.option}: ${file.path} holds no PEM certificate`);
  try {
    return { pem, certificates: found.map((each) => new X509Certificate(each)) };
  } catch {
    throw new Error(`${file.option}: ${file.path} holds a certificate that cannot be read`);
  }
}

/** The PEM text, and the key in it. @throws Error, which never quotes the file */
export function readPrivateKey(file: OptionFile): { pem: string; key: KeyObject } {
  const pem = readOptionFile(file);
  try {
    return { pem, key: createPrivateKey(pem) };
  } catch {
    throw new Error(
      `${file.option}: ${file.path} holds no PEM private key that is readable without a passphrase`,
    );
  }
}
