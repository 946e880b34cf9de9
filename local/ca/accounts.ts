import { type AcmeReply, type Authority, newId } from './authority.ts';
import { checkBinding } from './external-account.ts';
import { spendNewAccount } from './issuance-limits.ts';
import { AcmeProblem, malformed, unauthorized } from './problem.ts';
import type { AccountRecord } from './records.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';

/** newAccount (RFC 8555, 7.3): creates, or answers the account that has this key. */
export function createAccount(authority: Authority, request: SignedRequest): AcmeReply {
  const { store, urls } = authority;
  const { payload, key } = request;
  if (payload === undefined) throw malformed('newAccount needs a payload');
  const existing = store.accounts.findNewest(key.thumbprint);
  if (existing !== undefined) {
    if (existing.status !== 'valid') throw unauthorized(`the account is ${existing.status}`, { status: 401 });
    return showAccount(authority, existing, 200);
  }
  if (payload.onlyReturnExisting === true) {
    throw new AcmeProblem('accountDoesNotExist', 'no account has this key');
  }
  if (payload.termsOfServiceAgreed !== true) {
    throw malformed(
      `agree to the terms of service at ${urls.termsOfService} with termsOfServiceAgreed: true`,
    );
  }
  const contact = readContact(payload.contact ?? []);
  const externalAccountKid =
    authority.externalAccounts &&
    checkBinding(authority.externalAccounts, {
      binding: payload.externalAccountBinding,
      newAccountUrl: urls.newAccount,
      accountKey: key,
    });
  spendNewAccount(authority);
  const account = store.accounts.put({
    id: newId(),
    jwk: key.jwk,
    thumbprint: key.thumbprint,
    status: 'valid',
    contact,
    ...(externalAccountKid === undefined ? {} : { externalAccountKid }),
  });
  return showAccount(authority, account, 201);
}

/** The account resource (RFC 8555, 7.3.2 and 7.3.6): read, change contacts, deactivate. */
export function updateAccount(authority: Authority, request: SignedRequest, id: string): AcmeReply {
  const account = requireAccount(request);
  if (account.id !== id) throw unauthorized('the account URL is not that of the signing account');
  const { contact, status } = request.payload ?? {};
  if (status !== undefined && status !== 'deactivated' && status !== account.status) {
    throw malformed('an account can only be deactivated');
  }
  const updated: AccountRecord = {
    ...account,
    contact: contact === undefined ? account.contact : readContact(contact),
    status: status === 'deactivated' ? 'deactivated' : account.status,
  };
  const changes = contact !== undefined || updated.status !== account.status;
  return showAccount(authority, changes ? authority.store.accounts.put(updated) : account, 200);
}

/** The account object with its URL in Location. */
export function showAccount({ urls }: Authority, account: AccountRecord, status: 200 | 201): AcmeReply {
  return {
    status,
    json: { status: account.status, contact: account.contact },
    headers: { location: urls.account(account.id) },
    links: status === 201 ? [`<${urls.termsOfService}>;rel="terms-of-service"`] : [],
  };
}

/** @throws AcmeProblem `unsupportedContact` for other schemes than mailto, `invalidContact` for a bad address */
function readContact(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw malformed('contact must be a list of URLs');
  return value.map((contact: unknown) => {
    if (typeof contact !== 'string') throw malformed('contact must be a list of URLs');
    if (!contact.startsWith('mailto:')) {
      throw new AcmeProblem('unsupportedContact', `"${contact}" is no mailto URL`);
    }
    if (!/^mailto:[^\s@,?;:<>]+@(?:[a-z0-9-]+\.)+[a-z0-9-]*[a-z]$/i.test(contact)) {
      throw new AcmeProblem('invalidContact', `"${contact}" is not one plain e-mail address`);
    }
    return contact;
  });
}
