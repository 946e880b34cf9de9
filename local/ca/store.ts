import { join } from 'node:path';
import { Collection } from './collection.ts';
import { Journal, type JournalEntry } from './durable-file.ts';
import type {
  AccountRecord,
  AuthorizationRecord,
  CertificateRecord,
  OrderRecord,
  PauseRecord,
} from './records.ts';

/** Orders of an account for the same names under the same profile. */
export const orderIndexKey = (order: Pick<OrderRecord, 'accountId' | 'names' | 'profile'>): string =>
  `${order.accountId} ${order.profile ?? ''} ${order.names.join(' ')}`;

/** Orders that replace, or are to replace, the certificate of this serial. */
export const replacementIndexKey = (serial: string): string => `replaces ${serial}`;

/** Authorizations of an account for a name; those for orders of one profile when `profile` is given. */
export const authorizationIndexKey = (
  authorization: Pick<AuthorizationRecord, 'accountId' | 'domain' | 'wildcard' | 'status' | 'profile'>,
): string =>
  [
    authorization.accountId,
    authorization.wildcard ? '*.' : '',
    authorization.domain,
    authorization.status,
    ...(authorization.profile === undefined ? [] : [authorization.profile]),
  ].join(' ');

/** Certificates for exactly these names, sorted. */
export const nameSetIndexKey = (names: readonly string[]): string => `names ${names.join(' ')}`;

const withoutProfile = ({ profile: _, ...authorization }: AuthorizationRecord) => authorization;

/** Everything the CA knows: in memory, and in `dataDir` when given. */
export function openStore(dataDir: string | undefined) {
  const { journal, entries } = dataDir
    ? Journal.open(join(dataDir, 'journal.jsonl'))
    : { journal: undefined, entries: [] };
  const saveAs = (kind: string) => (record: JournalEntry['record']) => journal?.append({ kind, record });
  const collections = {
    accounts: new Collection<AccountRecord>(({ thumbprint }) => [thumbprint], saveAs('accounts')),
    orders: new Collection<OrderRecord>(
      (order) => [
        orderIndexKey(order),
        ...(order.replacesSerial === undefined ? [] : [replacementIndexKey(order.replacesSerial)]),
      ],
      saveAs('orders'),
    ),
    authorizations: new Collection<AuthorizationRecord>(
      (authorization) => [
        authorizationIndexKey(withoutProfile(authorization)),
        authorizationIndexKey({ ...authorization, profile: authorization.profile ?? '' }),
      ],
      saveAs('authorizations'),
    ),
    certificates: new Collection<CertificateRecord>(
      ({ orderId, names }) => [orderId, nameSetIndexKey(names)],
      saveAs('certificates'),
    ),
    pauses: new Collection<PauseRecord>(() => [], saveAs('pauses')),
  };
  for (const entry of entries) restoreEntry(collections, entry);
  return {
    ...collections,
    authorizationsOf: (order: OrderRecord): AuthorizationRecord[] =>
      order.authorizationIds.flatMap((id) => collections.authorizations.get(id) ?? []),
    close: () => journal?.close(),
  };
}

export type Store = ReturnType<typeof openStore>;

function restoreEntry(collections: Pick<Store, 'accounts'>, { kind, record }: JournalEntry): void {
  const byKind: Readonly<Record<string, unknown>> = collections;
  (byKind[kind] as Collection<JournalEntry['record']> | undefined)?.restore(record);
}
