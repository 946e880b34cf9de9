import type { AcmeReply, Authority } from './authority.ts';
import { AcmeProblem, notFound } from './problem.ts';
import type { AccountRecord, AuthorizationRecord } from './records.ts';

const pauseId = (accountId: string, name: string): string => `${accountId} ${name}`;

/** `name` of an authorization as it was ordered. */
export const orderedName = ({
  wildcard,
  domain,
}: Pick<AuthorizationRecord, 'wildcard' | 'domain'>): string => (wildcard ? `*.${domain}` : domain);

/** One more consecutive failure; enough of them pause the account for this name until a person acts. */
export function countTowardsPause(
  { store, clock, limitBook }: Authority,
  accountId: string,
  name: string,
): void {
  const { pauseAfterFailures } = limitBook.limits;
  if (pauseAfterFailures === undefined) return;
  const id = pauseId(accountId, name);
  const failures = (store.pauses.get(id)?.failures ?? 0) + 1;
  const pausedAt = failures >= pauseAfterFailures ? clock.now().toISOString() : undefined;
  store.pauses.put({ id, accountId, name, failures, ...(pausedAt === undefined ? {} : { pausedAt }) });
}

/** A success: the next failure is the first again. */
export function forgetFailures({ store }: Authority, accountId: string, name: string): void {
  const id = pauseId(accountId, name);
  const pause = store.pauses.get(id);
  if (pause !== undefined && pause.failures > 0) store.pauses.put({ ...pause, failures: 0 });
}

/**
 * Refuses names that are paused, in Boulder's words (wfe2 NewOrder) and without Retry-After: waiting is no help.
 * @throws AcmeProblem `rateLimited`
 */
export function refusePaused(
  { store, urls }: Authority,
  account: AccountRecord,
  names: readonly string[],
): void {
  const paused = names.filter((name) => store.pauses.get(pauseId(account.id, name))?.pausedAt !== undefined);
  if (paused.length === 0) return;
  const detail =
    `Your account is temporarily prevented from requesting certificates for ${paused.join(', ')} ` +
    `and possibly others. Please visit: ${urls.unpause(account.id)}`;
  throw new AcmeProblem('rateLimited', detail, { limit: 'paused' });
}

/** Ends every pause of the account, or of all accounts; answers how many. */
export function unpause({ store }: Authority, accountId?: string): number {
  const ended = [...store.pauses.values()].filter(
    (pause) => pause.pausedAt !== undefined && (accountId ?? pause.accountId) === pause.accountId,
  );
  for (const { id, accountId: owner, name } of ended) {
    store.pauses.put({ id, accountId: owner, name, failures: 0 });
  }
  return ended.length;
}

/** The self-service page: shown by GET, acted on by POST, so that following the link alone changes nothing. */
export function showUnpausePage(
  authority: Authority,
  request: { method: string; query: URLSearchParams },
): AcmeReply {
  const accountId = request.query.get('account') ?? '';
  if (authority.store.accounts.get(accountId) === undefined) throw notFound('no such account');
  const body =
    request.method === 'POST'
      ? `<p>Unpaused: ${unpause(authority, accountId)} identifiers.</p>`
      : '<form method="post"><button>Unpause this account</button></form>';
  return { status: 200, text: { type: 'text/html', body: `<!doctype html><title>Unpause</title>${body}\n` } };
}
