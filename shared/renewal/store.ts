import type { LeasedRenewal, Renewal, RenewalId, StepName } from './renewal.ts';

export interface DueRenewal extends RenewalId {
  readonly step: StepName;
  readonly nextActionAt: Date;
}

/**
 * Renewals, one item per certificate and generation, each written by one worker at a time: `claim` raises the
 * fencing number, and a save under an older number is `lease-lost`. An expired lease may be claimed; nothing
 * else ends one. Failures: `store-unavailable`.
 */
export interface RenewalStore {
  /** Adds a renewal; false when its generation exists, whatever its state. */
  open(renewal: Renewal): Promise<boolean>;
  get(id: RenewalId): Promise<Renewal | undefined>;
  /**
   * The renewal under a new lease; undefined when another owner's lease holds, when it rests, is paused, has
   * ended, or does not exist. A claim repeated by the same owner answers the same renewal.
   */
  claim(id: RenewalId, lease: { owner: string; now: Date; until: Date }): Promise<LeasedRenewal | undefined>;
  /** Writes the renewal, keeping the lease. */
  save(renewal: LeasedRenewal): Promise<void>;
  /** Writes the renewal and ends the lease; an `outcome` takes it out of the due index. */
  release(renewal: LeasedRenewal): Promise<void>;
  /** Open renewals of one shard with nextActionAt <= `until`, oldest first; may lag behind writes. */
  findDue(query: { shard: string; until: Date; limit: number }): Promise<readonly DueRenewal[]>;
  /** Moves nextActionAt; false when it is no longer `expectedAt`. Leaves lease and fence alone. */
  postpone(change: { id: RenewalId; expectedAt: Date; nextActionAt: Date }): Promise<boolean>;
  /** Ends rest, quarantine and pause because a person wants it so, and makes it due at once; a lease stays. */
  wake(id: RenewalId, now: Date): Promise<void>;
  /** Ends lease and rest, because the worker is known to be gone; due at once. */
  breakLease(id: RenewalId, now: Date): Promise<void>;
}
