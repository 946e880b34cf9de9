import { Failure } from '../runtime/errors.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { settlePendingKey } from './account-lifecycle.ts';
import type { AcmeAccount } from './account-store.ts';
import { type AcmeConnection, type ConnectionOptions, connect } from './connection.ts';
import type { AcmeFailure } from './problem.ts';
import { type AccountOptions, makeAccountKey, registerAccount, signerOf } from './registration.ts';

/**
 * Connects to this directory's account, once for every caller of the process; registers it on first use
 * (RFC 8555, 7.3), and again when the CA has forgotten it. No request at all once its URL is stored, unless a
 * change of its key was cut short.
 * @throws Failure `account-deactivated`
 */
export function createAccountConnector(
  options: AccountOptions,
): (signal: AbortSignal) => Promise<AcmeConnection> {
  const { accounts, directoryUrl } = options;
  const renew = () => shareSuccess((signal: AbortSignal) => openAccount({ ...options, reopen }, signal));
  let open = renew();
  async function reopen(used: AcmeAccount, refusal: AcmeFailure): Promise<Failure> {
    const { type } = refusal.problem;
    if (type === 'accountDoesNotExist') {
      const stored = await accounts.read(directoryUrl);
      // Another renewal, or another worker, may have registered it anew meanwhile.
      if (stored && stored.accountUrl === used.accountUrl)
        await accounts.save(directoryUrl, { ...stored, accountUrl: undefined });
      open = renew();
      return refusal;
    }
    // A signature by a key that was changed elsewhere is refused in the words of any other bad request.
    if (type !== 'unauthorized' && type !== 'malformed') return refusal;
    const stored = await accounts.read(directoryUrl).catch(() => undefined);
    if (!stored || !isKeyInDoubt(stored, used)) return refusal;
    open = renew();
    return keyChanged(directoryUrl, refusal);
  }
  return (signal) => open(signal);
}

interface OpenOptions extends AccountOptions {
  readonly reopen: (used: AcmeAccount, refusal: AcmeFailure) => Promise<Failure>;
}

async function openAccount(options: OpenOptions, signal: AbortSignal): Promise<AcmeConnection> {
  const { accounts, directoryUrl, reopen } = options;
  const stored =
    (await accounts.read(directoryUrl)) ?? (await accounts.create(directoryUrl, makeAccountKey(options)));
  if (stored.status === 'deactivated') throw deactivated(directoryUrl);
  const account = await settlePendingKey(options, stored, signal);
  const signer = signerOf(options, account);
  const base: ConnectionOptions = {
    ...options,
    signer,
    onRefusal: (refusal) => reopen(account, refusal),
  };
  if (account.accountUrl) return connect({ ...base, accountUrl: account.accountUrl });
  const accountUrl = await registerAccount(options, signer, signal);
  await accounts.save(directoryUrl, { ...account, accountUrl });
  return connect({ ...base, accountUrl });
}

const isKeyInDoubt = (stored: AcmeAccount, used: AcmeAccount): boolean =>
  stored.pendingKey !== undefined ||
  stored.privateKeyPem !== used.privateKeyPem ||
  stored.kmsKeyId !== used.kmsKeyId;

const keyChanged = (directoryUrl: string, cause: AcmeFailure) =>
  new Failure({
    code: 'account-key-changed',
    disposition: 'retry',
    message: `the key of the account at ${directoryUrl} changed while it was in use; the next attempt signs with the new one`,
    cause,
  });

const deactivated = (directoryUrl: string) =>
  new Failure({
    code: 'account-deactivated',
    disposition: 'give-up',
    message: `the account at ${directoryUrl} was deactivated; remove its acme-accounts secret to have a new one registered`,
  });
