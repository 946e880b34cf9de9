import { generateKeyPairSync } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { type AcmeConnection, type ConnectionOptions, connect, type ExternalAccount } from './connection.ts';

/** An account's key and, once registered, its URL. */
export interface AcmeAccount {
  readonly privateKeyPem: string;
  readonly accountUrl?: string | undefined;
}

/**
 * Keeps one account per directory URL. `create` keeps the first key ever offered and answers the one stored,
 * so that workers that start together share an account. Failures: `vault-unavailable`.
 */
export interface AccountStore {
  read(directoryUrl: string): Promise<AcmeAccount | undefined>;
  create(directoryUrl: string, account: AcmeAccount): Promise<AcmeAccount>;
  /** Replaces what is stored, with or without a URL. */
  saveUrl(directoryUrl: string, account: AcmeAccount): Promise<void>;
  /** Credentials for external account binding (RFC 8555, 7.3.4), put there by a person. */
  readExternalAccount(directoryUrl: string): Promise<ExternalAccount | undefined>;
}

export interface AccountOptions extends Pick<ConnectionOptions, 'directoryUrl' | 'transport' | 'clock'> {
  readonly accounts: AccountStore;
  /** `mailto:` URLs without the scheme. */
  readonly contacts: readonly string[];
}

/**
 * Connects to this directory's account, once for every caller of the process; registers it on first use
 * (RFC 8555, 7.3), and again when the CA has forgotten it. No request at all once its URL is stored.
 */
export function createAccountConnector(
  options: AccountOptions,
): (signal: AbortSignal) => Promise<AcmeConnection> {
  const { accounts, directoryUrl } = options;
  const renew = () =>
    shareSuccess((signal: AbortSignal) => openAccount({ ...options, onAccountMissing }, signal));
  let open = renew();
  async function onAccountMissing(accountUrl: string): Promise<void> {
    const account = await accounts.read(directoryUrl);
    // Another renewal, or another worker, may have registered it anew meanwhile.
    if (account?.accountUrl === accountUrl)
      await accounts.saveUrl(directoryUrl, { privateKeyPem: account.privateKeyPem });
    open = renew();
  }
  return (signal) => open(signal);
}

async function openAccount(
  options: AccountOptions & Pick<ConnectionOptions, 'onAccountMissing'>,
  signal: AbortSignal,
): Promise<AcmeConnection> {
  const { accounts, directoryUrl } = options;
  const account =
    (await accounts.read(directoryUrl)) ??
    (await accounts.create(directoryUrl, { privateKeyPem: generateAccountKey() }));
  const base = { ...options, accountKeyPem: account.privateKeyPem };
  if (account.accountUrl) return connect({ ...base, accountUrl: account.accountUrl });
  const accountUrl = await register(base, signal);
  await accounts.saveUrl(directoryUrl, { ...account, accountUrl });
  return connect({ ...base, accountUrl });
}

async function register(
  options: AccountOptions & { accountKeyPem: string },
  signal: AbortSignal,
): Promise<string> {
  const { directoryUrl } = options;
  const meta = await connect(options).session(signal).meta();
  const externalAccount = meta.externalAccountRequired
    ? await options.accounts.readExternalAccount(directoryUrl)
    : undefined;
  if (meta.externalAccountRequired && !externalAccount) {
    throw new Failure({
      code: 'external-account-missing',
      disposition: 'give-up',
      message: `${directoryUrl} asks for an external account: store {"kid", "hmacKey"} in its external-accounts secret`,
    });
  }
  const session = connect({ ...options, externalAccount }).session(signal);
  const response = await session.api.createAccount({
    termsOfServiceAgreed: true,
    ...(options.contacts.length > 0
      ? { contact: options.contacts.map((contact) => `mailto:${contact}`) }
      : {}),
  });
  const url = response.headers.location;
  if (url) return url;
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: `${directoryUrl} answered newAccount without a Location header`,
  });
}

const generateAccountKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
