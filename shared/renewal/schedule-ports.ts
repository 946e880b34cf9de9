import type { CertificateAuthority } from '../acme/catalogue.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { BucketStore } from '../limits/bucket-store.ts';
import type { CaLimits } from '../limits/published-limits.ts';
import type { Clock } from '../runtime/clock.ts';
import type { RefreshQueue } from './refresh-queue.ts';
import type { RenewalStore } from './store.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the scheduler reads in order to plan. */
export interface PlanPorts {
  readonly certificates: Pick<CertificateStore, 'get' | 'findDue' | 'list'>;
  readonly renewals: Pick<RenewalStore, 'get' | 'findDue'>;
  readonly buckets: Pick<BucketStore, 'read'>;
  /** The limits a CA publishes, by the name under which they are kept (see limitsNameOf). */
  readonly limitsFor: (ca: string) => CaLimits;
  /** The deployment's CAs in order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  readonly clock: Clock;
}

/** And what it changes in order to carry the plan out. */
export interface SchedulePorts extends PlanPorts {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly buckets: BucketStore;
  readonly queue: WorkQueue;
  readonly refreshQueue: RefreshQueue;
}

/** Which certificates are meant; everything that is due when nothing is said. */
export interface Selection {
  readonly names?: readonly string[] | undefined;
  /** Those of this CA, by catalogue id or directory URL. */
  readonly ca?: string | undefined;
  /** Renew though nothing is due; takes `names` or `all`. */
  readonly force?: boolean | undefined;
  /** The whole fleet. */
  readonly all?: boolean | undefined;
  /** With `all`: what an earlier call had no time for, which named the last certificate it came to. */
  readonly after?: string | undefined;
}
