import { Failure } from '../runtime/errors.ts';
import type { AccountKey } from './account-key.ts';
import type { AcmeAccount } from './account-store.ts';
import { type AcmeSession, connect } from './connection.ts';
import { signJws } from './jws.ts';
import { AcmeFailure } from './problem.ts';
import { type AccountOptions, findAccount, makeAccountKey, signerOf } from './registration.ts';

/**
 * Gives the account a new key (RFC 8555, 7.3.5), `newKey` or one made as the options say. The new key is stored
 * before the CA hears of it: whatever dies in between, one of the two stored keys is the account's, and the next
 * connection finds out which.
 * @throws Failure `account-missing`, `account-busy`, and the CA's refusal
 */
export async function rollOverAccountKey(
  options: AccountOptions,
  signal: AbortSignal,
  newKey?: AccountKey,
): Promise<void> {
  const { accounts, directoryUrl } = options;
  const before = await requireAccount(options);
  const account = await settlePendingKey(options, before, signal);
  // An earlier change had reached the CA: it is the one that was asked for.
  if (before.pendingKey && !account.pendingKey) return;
  const offered = await accounts.offerKey(directoryUrl, account, newKey ?? makeAccountKey(options));
  if (!offered.pendingKey) throw busy(directoryUrl);
  try {
    await changeKey(options, offered, signal);
  } catch (error) {
    const settled = await settlePendingKey(options, offered, signal);
    if (!settled.pendingKey) return;
    // The CA has said no to this very key: it will not help another time.
    if (error instanceof AcmeFailure && error.problem.status < 500 && error.problem.status !== 429)
      await accounts.save(directoryUrl, withoutRefusedKey(settled));
    throw error;
  }
  await accounts.save(directoryUrl, promoted(offered));
}

/**
 * Asks the CA which of two stored keys is the account's, and stores what it finds. Still pending: the CA has not
 * heard of the new one.
 */
export async function settlePendingKey(
  options: AccountOptions,
  account: AcmeAccount,
  signal: AbortSignal,
): Promise<AcmeAccount> {
  const { pendingKey, accountUrl } = account;
  if (!pendingKey) return account;
  const found = await findAccount(options, signerOf(options, pendingKey), signal);
  if (found === undefined || found !== accountUrl) return account;
  const settled = promoted(account);
  await options.accounts.save(options.directoryUrl, settled);
  return settled;
}

/**
 * Ends the account for good (RFC 8555, 7.3.6); its certificates stay valid. It stays stored as deactivated, so that
 * no worker registers another in its place.
 * @throws Failure `account-missing`, and the CA's refusal
 */
export async function deactivateAccount(options: AccountOptions, signal: AbortSignal): Promise<void> {
  const { accounts, directoryUrl } = options;
  const account = await settlePendingKey(options, await requireAccount(options), signal);
  const signer = signerOf(options, account);
  const session = (await connect({ ...options, signer, accountUrl: account.accountUrl })).session(signal);
  try {
    await session.api.apiRequest(account.accountUrl ?? '', { status: 'deactivated' }, [200]);
  } catch (error) {
    if (!isDeactivatedAlready(error)) throw error;
  }
  await accounts.save(directoryUrl, { ...account, status: 'deactivated' });
}

/** The answer to every request of a deactivated account (RFC 8555, 7.3.6). */
const isDeactivatedAlready = (error: unknown): boolean =>
  error instanceof AcmeFailure &&
  error.problem.type === 'unauthorized' &&
  /deactivated/i.test(error.problem.detail);

async function changeKey(options: AccountOptions, account: AcmeAccount, signal: AbortSignal): Promise<void> {
  const signer = signerOf(options, account);
  const session = (await connect({ ...options, signer, accountUrl: account.accountUrl })).session(signal);
  await session.api.updateAccountKey(await signKeyChange(options, account, session));
}

/** The new key's own request to replace the old one; the account signs it a second time outside. */
async function signKeyChange(options: AccountOptions, account: AcmeAccount, session: AcmeSession) {
  const oldKey = await signerOf(options, account).jwk();
  return signJws(signerOf(options, account.pendingKey ?? {}), {
    url: await session.resourceUrl('keyChange'),
    payload: { account: account.accountUrl, oldKey },
  });
}

async function requireAccount({ accounts, directoryUrl }: AccountOptions): Promise<AcmeAccount> {
  const account = await accounts.read(directoryUrl);
  if (account?.accountUrl) return account;
  throw new Failure({
    code: 'account-missing',
    disposition: 'give-up',
    message: `no account is registered at ${directoryUrl} yet; the first renewal registers one`,
  });
}

const withoutRefusedKey = (account: AcmeAccount): AcmeAccount => ({
  ...account,
  pendingKey: undefined,
  refusedKeys: (account.refusedKeys ?? 0) + 1,
});

const busy = (directoryUrl: string) =>
  new Failure({
    code: 'account-busy',
    disposition: 'retry',
    message: `another change of the account key at ${directoryUrl} came between; look before trying again`,
  });

const promoted = ({ pendingKey, accountUrl }: AcmeAccount): AcmeAccount => ({ ...pendingKey, accountUrl });
