import { Failure } from '../runtime/errors.ts';
import {
  type AccountKey,
  type AccountSigner,
  createStoredKeySigner,
  generateAccountKey,
} from './account-key.ts';
import type { AccountStore } from './account-store.ts';
import { type ConnectionOptions, connect } from './connection.ts';
import type { ExternalAccount } from './external-account.ts';
import { AcmeFailure } from './problem.ts';

export interface AccountOptions
  extends Pick<ConnectionOptions, 'directoryUrl' | 'transport' | 'clock' | 'pace'> {
  readonly accounts: AccountStore;
  /** `mailto:` URLs without the scheme. */
  readonly contacts: readonly string[];
  /** Signs with an account's key; absent: keys must be at hand as PEM. */
  readonly signerFor?: ((key: AccountKey) => AccountSigner) | undefined;
  /** New accounts, and accounts that change their key, use this KMS key; it serves one account. */
  readonly newAccountKmsKeyId?: string | undefined;
}

export const signerOf = ({ signerFor = createStoredKeySigner }: AccountOptions, key: AccountKey) =>
  signerFor(key);

export const makeAccountKey = ({ newAccountKmsKeyId }: AccountOptions): AccountKey =>
  newAccountKmsKeyId ? { kmsKeyId: newAccountKmsKeyId } : { privateKeyPem: generateAccountKey() };

/**
 * newAccount (RFC 8555, 7.3): the URL of the account with this key, new or not.
 * @throws Failure `external-account-missing`
 */
export async function registerAccount(
  options: AccountOptions,
  signer: AccountSigner,
  signal: AbortSignal,
): Promise<string> {
  const { directoryUrl } = options;
  let session = (await connect({ ...options, signer })).session(signal);
  if ((await session.meta()).externalAccountRequired) {
    const externalAccount = await requireExternalAccount(options);
    session = (await connect({ ...options, signer, externalAccount })).session(signal);
  }
  const response = await session.api.createAccount({
    termsOfServiceAgreed: true,
    ...(options.contacts.length > 0
      ? { contact: options.contacts.map((contact) => `mailto:${contact}`) }
      : {}),
  });
  return requireLocation(response.headers.location, directoryUrl);
}

async function requireExternalAccount({ accounts, directoryUrl }: AccountOptions): Promise<ExternalAccount> {
  const externalAccount = await accounts.readExternalAccount(directoryUrl);
  if (externalAccount) return externalAccount;
  throw new Failure({
    code: 'external-account-missing',
    disposition: 'give-up',
    message: `${directoryUrl} asks for an external account: store {"kid", "hmacKey"} in its external-accounts secret`,
  });
}

/** The URL of the account with this key (RFC 8555, 7.3.1); undefined when the CA knows none. */
export async function findAccount(
  options: AccountOptions,
  signer: AccountSigner,
  signal: AbortSignal,
): Promise<string | undefined> {
  const session = (await connect({ ...options, signer })).session(signal);
  try {
    const { headers } = await session.api.createAccount({ onlyReturnExisting: true });
    return requireLocation(headers.location, options.directoryUrl);
  } catch (error) {
    if (error instanceof AcmeFailure && error.problem.type === 'accountDoesNotExist') return undefined;
    throw error;
  }
}

function requireLocation(url: string | undefined, directoryUrl: string): string {
  if (url) return url;
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: `${directoryUrl} answered newAccount without a Location header`,
  });
}
