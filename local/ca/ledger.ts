import { decideOrderStatus, type OrderStatus } from './order-status.ts';
import type { Store } from './store.ts';
import type { Urls } from './urls.ts';

export interface LedgerOrder {
  readonly url: string;
  readonly accountUrl: string;
  readonly names: readonly string[];
  readonly status: OrderStatus;
}

export interface LedgerCertificate {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly names: readonly string[];
  readonly orderUrl: string;
  readonly accountUrl: string;
  readonly revoked: boolean;
}

/** What the CA did, for those who must prove what they asked of it. */
export class Ledger {
  #newOrders = 0;
  readonly #requests: Record<string, number> = {};
  readonly #problems: Record<string, number> = {};
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

  /** Every certificate in the store, those of earlier processes too. */
  get issued(): readonly LedgerCertificate[] {
    return [...this.#store.certificates.values()].map((certificate) => ({
      serial: certificate.id,
      names: certificate.names,
      orderUrl: this.#urls.order(certificate.orderId),
      accountUrl: this.#urls.account(certificate.accountId),
      revoked: certificate.revokedAt !== undefined,
    }));
  }

  /** Every order in the store, those of earlier processes too, with its status now. */
  get orders(): readonly LedgerOrder[] {
    return [...this.#store.orders.values()].map((order) => ({
      url: this.#urls.order(order.id),
      accountUrl: this.#urls.account(order.accountId),
      names: order.names,
      status: decideOrderStatus(order, this.#store.authorizationsOf(order), this.#now()),
    }));
  }

  countOrder(): void {
    this.#newOrders += 1;
  }

  countRequest(resource: string): void {
    this.#requests[resource] = (this.#requests[resource] ?? 0) + 1;
  }

  countProblem(type: string): void {
    this.#problems[type] = (this.#problems[type] ?? 0) + 1;
  }
}
