import type {
  CertificatePolicy,
  IssuedCertificate,
  RenewalAdvice,
  TrackedCertificate,
} from './certificate.ts';

/**
 * The fleet, one item per certificate. Every write is conditional, so that a repeated or late call changes
 * nothing. Reads by name are consistent; `findDue` may lag behind a write by a moment, which its callers'
 * conditions absorb. Failures: `store-unavailable`.
 */
export interface CertificateStore {
  get(name: string): Promise<TrackedCertificate | undefined>;
  /**
   * The whole fleet, page by page, in an order of the store's own, which stays; with `after`, what follows the
   * certificate of this name.
   */
  list(after?: string): AsyncIterable<TrackedCertificate>;
  /** How many are tracked; reads the whole fleet. */
  countTracked(): Promise<number>;
  /** Adds a certificate, due at once; false when the name exists. */
  track(entry: { name: string; policy: CertificatePolicy; now: Date }): Promise<boolean>;
  /** Replaces the policy, revives a retired certificate, takes it out of the plan and makes it due at once. */
  changePolicy(entry: { name: string; policy: CertificatePolicy; now: Date }): Promise<void>;
  /** Takes the certificate out of the due index; what was issued stays on record. */
  retire(name: string): Promise<void>;
  /**
   * Tracked certificates of one shard with nextActionAt <= `until`, oldest first. Fewer than `limit` are all
   * there are; the cost follows what is found, not the fleet.
   */
  findDue(query: { shard: string; until: Date; limit: number }): Promise<readonly TrackedCertificate[]>;
  /** The earliest nextActionAt of the fleet. */
  findNextActionAt(): Promise<Date | undefined>;
  /**
   * Moves nextActionAt, opens `generation` where given, and gives it the place in the plan `plannedAt` or, by
   * null, none; false when nextActionAt is no longer `expectedAt`.
   */
  postpone(change: {
    name: string;
    expectedAt: Date;
    nextActionAt: Date;
    generation?: number | undefined;
    plannedAt?: Date | null | undefined;
  }): Promise<boolean>;
  /**
   * Makes `issued` current and drops the advice and the place in the plan of the one before; false when the
   * certificate is no longer as it was `read`: the policy may have changed meanwhile, or a newer generation may
   * be current.
   */
  recordIssued(change: {
    read: TrackedCertificate;
    issued: IssuedCertificate;
    nextActionAt: Date;
  }): Promise<boolean>;
  /**
   * Keeps the CA's advice and moves nextActionAt; false when the certificate is retired, is no longer as it was
   * `read`, or the advice is about another one than the current.
   */
  recordAdvice(change: {
    read: TrackedCertificate;
    advice: RenewalAdvice;
    nextActionAt: Date;
  }): Promise<boolean>;
}
