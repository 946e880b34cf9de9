import { join } from 'node:path';
import { Journal, type JournalEntry } from './durable-file.ts';
import type { PublicJwk } from './jwk.ts';
import type { ProblemDocument } from './problem.ts';

export interface AccountRecord {
  readonly id: string;
  readonly jwk: PublicJwk;
  readonly thumbprint: string;
  readonly status: 'valid' | 'deactivated';
  readonly contact: readonly string[];
  readonly externalAccountKid?: string;
}

/** `ready` and expiry follow from the authorizations and the clock and are never stored. */
export interface OrderRecord {
  readonly id: string;
  readonly accountId: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  /** Sorted, lower case; wildcards as `*.example.com`. */
  readonly names: readonly string[];
  readonly authorizationIds: readonly string[];
  readonly expiresAt: string;
  /** Set from `processing` on: the DER request, base64url, and when issuance is due. */
  readonly csr?: string;
  readonly issuanceDueAt?: string;
  readonly certificateId?: string;
  readonly error?: ProblemDocument;
}

export interface ChallengeRecord {
  readonly type: 'http-01' | 'dns-01' | 'tls-alpn-01';
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  readonly validatedAt?: string;
  readonly error?: ProblemDocument;
}

export interface AuthorizationRecord {
  readonly id: string;
  readonly accountId: string;
  /** Without `*.` (RFC 8555, 7.1.4). */
  readonly domain: string;
  readonly wildcard: boolean;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated';
  readonly expiresAt: string;
  readonly challenges: readonly ChallengeRecord[];
}

export interface CertificateRecord {
  /** The serial in lower-case hexadecimal. */
  readonly id: string;
  readonly accountId: string;
  readonly orderId: string;
  readonly names: readonly string[];
  /** Leaf, then intermediate. */
  readonly chainPem: string;
  readonly revokedAt?: string;
  readonly revocationReason?: number;
}

/** Records by id, with the newest record of each index key at hand. */
class Collection<Item extends { readonly id: string }> {
  readonly #items = new Map<string, Item>();
  readonly #newest = new Map<string, string>();
  readonly #indexKey: (item: Item) => string;
  readonly #save: (item: Item) => void;

  constructor(indexKey: (item: Item) => string, save: (item: Item) => void) {
    this.#indexKey = indexKey;
    this.#save = save;
  }

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  /** The item that took this index key last and still has it. */
  findNewest(indexKey: string): Item | undefined {
    const item = this.#items.get(this.#newest.get(indexKey) ?? '');
    return item !== undefined && this.#indexKey(item) === indexKey ? item : undefined;
  }

  /** Saves the item before anyone can see it. */
  put(item: Item): Item {
    this.#save(item);
    return this.restore(item);
  }

  restore(item: Item): Item {
    const before = this.#items.get(item.id);
    const indexKey = this.#indexKey(item);
    if (before === undefined || this.#indexKey(before) !== indexKey) this.#newest.set(indexKey, item.id);
    this.#items.set(item.id, item);
    return item;
  }

  values(): Iterable<Item> {
    return this.#items.values();
  }
}

export const orderIndexKey = (order: Pick<OrderRecord, 'accountId' | 'names'>): string =>
  `${order.accountId} ${order.names.join(' ')}`;

export const authorizationIndexKey = (
  authorization: Pick<AuthorizationRecord, 'accountId' | 'domain' | 'wildcard' | 'status'>,
): string =>
  [
    authorization.accountId,
    authorization.wildcard ? '*.' : '',
    authorization.domain,
    authorization.status,
  ].join(' ');

/** Everything the CA knows: in memory, and in `dataDir` when given. */
export function openStore(dataDir: string | undefined) {
  const { journal, entries } = dataDir
    ? Journal.open(join(dataDir, 'journal.jsonl'))
    : { journal: undefined, entries: [] };
  const saveAs = (kind: string) => (record: JournalEntry['record']) => journal?.append({ kind, record });
  const collections = {
    accounts: new Collection<AccountRecord>((account) => account.thumbprint, saveAs('accounts')),
    orders: new Collection<OrderRecord>(orderIndexKey, saveAs('orders')),
    authorizations: new Collection<AuthorizationRecord>(authorizationIndexKey, saveAs('authorizations')),
    certificates: new Collection<CertificateRecord>(
      (certificate) => certificate.orderId,
      saveAs('certificates'),
    ),
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
