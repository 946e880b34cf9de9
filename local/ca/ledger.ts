import { decideOrderStatus, type OrderStatus } from './order-status.ts';
import type { OrderRecord } from './records.ts';
import type { Store } from './store.ts';
import type { Urls } from './urls.ts';

export interface LedgerOrder {
  readonly url: string;
  readonly accountUrl: string;
  readonly names: readonly string[];
  readonly status: OrderStatus;
  readonly profile?: string;
  /** The certificate identifier that the order replaces. */
  readonly replaces?: string;
}

export interface LedgerCertificate {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly names: readonly string[];
  readonly orderUrl: string;
  readonly accountUrl: string;
  readonly issuedAt: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly publicKeyFingerprint: string;
  readonly revoked: boolean;
}

/** A finalize request that was accepted. */
export interface LedgerFinalize {
  readonly orderUrl: string;
  readonly publicKeyFingerprint: string;
}

/** What the CA did, for those who must prove what they asked of it. */
export class Ledger {
  #newOrders = 0;
  readonly #requests: Record<string, number> = {};
  readonly #problems: Record<string, number> = {};
  readonly #rateLimited: Record<string, number> = {};
  readonly #store: Store;
  readonly #urls: Urls;
  readonly #now: () => Date;

  constructor(sources: { store: Store; urls: Urls; now: () => Date }) {
    this.#store = sources.store;
    this.#urls = sources.urls;
    this.#now = sources.now;
  }

  /** Orders created since this CA started; an order answered a second time counts once. */
  get newOrders(): number {
    return this.#newOrders;
  }

  /** Requests since this CA started, by resource: `newNonce`, `order`, `finalize`, …, `unknown`. */
  get requests(): Readonly<Record<string, number>> {
    return this.#requests;
  }

  /** Refusals since this CA started, by problem type: `badNonce`, `malformed`, … */
  get problems(): Readonly<Record<string, number>> {
    return this.#problems;
  }

  /** Refusals by a limit since this CA started: `ordersPerAccount`, …, `paused`, `requests.newOrder`, … */
  get rateLimited(): Readonly<Record<string, number>> {
    return this.#rateLimited;
  }

  /** Every certificate in the store, those of earlier processes too. */
  get issued(): readonly LedgerCertificate[] {
    return [...this.#store.certificates.values()].map((certificate) => ({
      serial: certificate.id,
      names: certificate.names,
      orderUrl: this.#urls.order(certificate.orderId),
      accountUrl: this.#urls.account(certificate.accountId),
      issuedAt: certificate.issuedAt,
      publicKeyFingerprint: certificate.publicKeyFingerprint,
      revoked: certificate.revokedAt !== undefined,
    }));
  }

  /** Every order in the store, those of earlier processes too, with its status now. */
  get orders(): readonly LedgerOrder[] {
    return [...this.#store.orders.values()].map((order) => this.#showOrder(order));
  }

  /** What each order was finalized with, in the order in which the orders were made. */
  get finalizes(): readonly LedgerFinalize[] {
    return [...this.#store.orders.values()].flatMap(({ id, publicKeyFingerprint }) =>
      publicKeyFingerprint === undefined ? [] : [{ orderUrl: this.#urls.order(id), publicKeyFingerprint }],
    );
  }

  #showOrder(order: OrderRecord): LedgerOrder {
    const { id, accountId, names, profile, replaces } = order;
    return {
      url: this.#urls.order(id),
      accountUrl: this.#urls.account(accountId),
      names,
      status: decideOrderStatus(order, this.#store.authorizationsOf(order), this.#now()),
      ...(profile === undefined ? {} : { profile }),
      ...(replaces === undefined ? {} : { replaces }),
    };
  }

  countOrder(): void {
    this.#newOrders += 1;
  }

  countRequest(resource: string): void {
    count(this.#requests, resource);
  }

  countProblem({ type, limit }: { type: string; limit: string | undefined }): void {
    count(this.#problems, type);
    if (limit !== undefined) count(this.#rateLimited, limit);
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
