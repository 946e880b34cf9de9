import { createAccountConnector } from '../../shared/acme/account.ts';
import type { AccountStore } from '../../shared/acme/account-store.ts';
import { createMemoryAccountStore } from '../../shared/acme/accounts.memory.ts';
import { findAuthority } from '../../shared/acme/catalogue.ts';
import { type AcmeTransport, createTransport } from '../../shared/acme/transport.ts';
import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import type { CertificateStore } from '../../shared/certificates/store.ts';
import { createMemoryKeyVault } from '../../shared/certificates/vault.memory.ts';
import type { KeyVault } from '../../shared/certificates/vault.ts';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { createMemoryBucketItems } from '../../shared/limits/bucket-store.memory.ts';
import { type BucketStore, createBucketStore } from '../../shared/limits/bucket-store.ts';
import { createLimiter } from '../../shared/limits/limiter.ts';
import { type CaLimits, publishedLimits } from '../../shared/limits/published-limits.ts';
import { createRequestPacer } from '../../shared/limits/request-pacer.ts';
import { createAuthorities } from '../../shared/renewal/authorities.ts';
import { createMemoryCircuitStore } from '../../shared/renewal/circuit.memory.ts';
import { createPatience } from '../../shared/renewal/patience.ts';
import { createMemoryRefreshQueue } from '../../shared/renewal/refresh-queue.memory.ts';
import type { SchedulePorts } from '../../shared/renewal/schedule-ports.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import type { IssuePorts } from '../../shared/renewal/steps/issue-step.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import type { RenewalStore } from '../../shared/renewal/store.ts';
import { createMemoryWorkQueue } from '../../shared/renewal/work-queue.memory.ts';
import type { RunnerPorts } from '../../shared/renewal/worker.ts';
import { createMemoryRunStore } from '../../shared/report/runs.memory.ts';
import type { RunStore } from '../../shared/report/runs.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Random } from '../../shared/runtime/random.ts';
import type { IssueWorld } from './issue-world.ts';

/** Everything that outlives a worker. */
export interface SceneStores {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly runs: RunStore;
  readonly vault: KeyVault;
  readonly accounts: AccountStore;
  readonly buckets: BucketStore;
  readonly queue: ReturnType<typeof createMemoryWorkQueue>;
}

export interface IssueSceneOptions {
  /** The CA and where it looks for proofs. */
  readonly world: Pick<IssueWorld, 'directoryUrl' | 'rootPem' | 'answers' | 'presentersFor'>;
  /** Real time with the waits between polls cut short, when absent. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** By which requests are paced; `clock` when absent. */
  readonly pacerClock?: Clock;
  /** What the CA publishes; nothing when absent. */
  readonly limits?: CaLimits;
  /** In place of those in memory. */
  readonly stores?: Partial<SceneStores>;
  readonly transport?: AcmeTransport;
  readonly answers?: AnswerStore;
}

/** What one deployment stands on: `issue` for renew-certificate's steps, `runner` for every worker, `schedule`. */
export interface IssueScene extends SceneStores {
  readonly clock: Clock;
  readonly limits: CaLimits;
  readonly issue: IssuePorts;
  readonly runner: RunnerPorts;
  readonly schedule: SchedulePorts;
}

const cutShort = 20;

/** Real time, so that the CA and its clients agree, with the waits between polls cut short. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (millis, signal) => systemClock.sleep(millis / cutShort, signal),
};

export function createIssueScene(options: IssueSceneOptions): IssueScene {
  const { world, clock = hurriedClock, random = () => 0.5, limits = publishedLimits('custom') } = options;
  const stores: SceneStores = {
    certificates: createMemoryCertificateStore(),
    renewals: createMemoryRenewalStore(),
    runs: createMemoryRunStore(),
    vault: createMemoryKeyVault(),
    accounts: createMemoryAccountStore(),
    buckets: createBucketStore(createMemoryBucketItems(), { clock, random }),
    queue: createMemoryWorkQueue(),
    ...options.stores,
  };
  const { directoryUrl } = world;
  const transport = options.transport ?? createTransport({ roots: world.rootPem });
  const pace = createRequestPacer({
    store: stores.buckets,
    ca: directoryUrl,
    limits,
    clock: options.pacerClock ?? clock,
    random,
  });
  const authorities = createAuthorities([findAuthority(directoryUrl)], (authority) =>
    createAccountConnector({
      directoryUrl: authority.directoryUrl,
      transport,
      clock,
      pace,
      accounts: stores.accounts,
      contacts: [],
    }),
  );
  const presenters = world.presentersFor(clock, options.answers ?? world.answers);
  const { certificates, renewals, runs, queue, vault, buckets } = stores;
  return {
    ...stores,
    clock,
    limits,
    issue: {
      authorities,
      circuits: createMemoryCircuitStore(),
      patience: createPatience(),
      limiter: createLimiter({ store: buckets, limitsFor: () => limits, clock }),
      certificates,
      vault,
      presenters: async () => presenters,
      clock,
    },
    runner: { certificates, renewals, runs, queue, clock, random },
    schedule: {
      certificates,
      renewals,
      queue,
      buckets,
      clock,
      refreshQueue: createMemoryRefreshQueue(),
      limitsFor: () => limits,
      preferred: authorities.preferred,
    },
  };
}

/** The steps of renew-certificate for one message. */
export const issueStepsOf = (scene: IssueScene) => createIssueSteps(scene.issue);
