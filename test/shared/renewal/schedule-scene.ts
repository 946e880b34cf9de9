import { findAuthority } from '../../../shared/acme/catalogue.ts';
import type { CertificatePolicy, IssuedCertificate } from '../../../shared/certificates/certificate.ts';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { createMemoryBucketItems } from '../../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../../shared/limits/bucket-store.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { type PlanOptions, planRenewals } from '../../../shared/renewal/plan-renewals.ts';
import { createMemoryRefreshQueue } from '../../../shared/renewal/refresh-queue.memory.ts';
import { type ScheduleOptions, scheduleRenewals } from '../../../shared/renewal/schedule.ts';
import { createMemoryRenewalStore } from '../../../shared/renewal/store.memory.ts';
import { createMemoryWorkQueue } from '../../../shared/renewal/work-queue.memory.ts';
import { aCertificate, anIssuedCertificate, aPolicy, noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

export const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';
export const ownCa = 'https://ca.example.net/directory';

/** A scheduler over memory stores, at a CA that publishes no limits unless a test says otherwise. */
export function createScene({ firstChoice = ownCa, fallbacks = [] as readonly string[] } = {}) {
  const clock = createFakeClock(noon);
  const readKeys: string[] = [];
  const buckets = createBucketStore(createMemoryBucketItems(), { clock, random: () => 0.5 });
  const ports = {
    certificates: createMemoryCertificateStore(),
    renewals: createMemoryRenewalStore(),
    queue: createMemoryWorkQueue(),
    refreshQueue: createMemoryRefreshQueue(),
    buckets: {
      ...buckets,
      read: (keys: readonly string[]) => {
        readKeys.push(...keys);
        return buckets.read(keys);
      },
    },
    limitsFor: publishedLimits,
    preferred: [firstChoice, ...fallbacks].map(findAuthority),
    clock,
  };
  const tick = (options: Partial<ScheduleOptions> = {}) =>
    scheduleRenewals({ runId: 'run-1', tickSeconds: 60, limitPerShard: 1000, ...options }, ports);
  const plan = (options: Partial<PlanOptions> = {}) =>
    planRenewals({ tickSeconds: 60, dueWithinHours: 0, ...options }, ports);
  const track = (name: string, policy: Partial<CertificatePolicy> = {}) =>
    ports.certificates.track({
      name,
      policy: aPolicy({ domains: [name], ...policy }),
      now: clock.now(),
    });
  const read = async (name: string) => (await ports.certificates.get(name)) ?? aCertificate();
  const issue = async (name: string, issued: Partial<IssuedCertificate>, nextActionAt: Date) =>
    ports.certificates.recordIssued({
      read: await read(name),
      issued: anIssuedCertificate({ domains: [name], ...issued }),
      nextActionAt,
    });
  return { clock, ports, tick, plan, track, read, issue, readKeys };
}

export type Scene = ReturnType<typeof createScene>;
