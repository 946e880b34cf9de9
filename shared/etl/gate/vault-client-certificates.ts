import type { KeyVault } from '../../certificates/vault.ts';
import type { ClientCertificate } from '../connections/tls-peer.ts';

/** Certificates of the fleet that this end presents as a client. */
export interface ClientCertificates {
  /** undefined: none has been issued under this name. Read anew each time, so that a renewed one is used at once. */
  read(name: string): Promise<ClientCertificate | undefined>;
}

/** Failures are the vault's. */
export const createVaultClientCertificates = (vault: Pick<KeyVault, 'readCurrent'>): ClientCertificates => ({
  async read(name) {
    const pair = await vault.readCurrent(name);
    return pair && { name, certificatePem: pair.fullchainPem, privateKeyPem: pair.privateKeyPem };
  },
});
