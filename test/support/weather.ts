import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import { createMemoryKeyVault } from '../../shared/certificates/vault.memory.ts';
import { createMemoryBucketItems } from '../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../shared/limits/bucket-store.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import { createMemoryRunStore } from '../../shared/report/runs.memory.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import type { Random } from '../../shared/runtime/random.ts';
import type { Row } from './faults.ts';
import type { SceneStores } from './issue-scene.ts';

/**
 * What stores go through. `throttled`: calls are refused with that probability; `stale-index`: the due index
 * answers what it held before; `storm`: others are quicker at every conditional write; `vault-outage`: no secret
 * can be read or written.
 */
export const conditions = ['throttled-10', 'throttled-50', 'stale-index', 'storm', 'vault-outage'] as const;
export type Condition = (typeof conditions)[number];

export interface Weather {
  readonly stores: Omit<SceneStores, 'accounts' | 'queue'>;
  /** To be told which row a worker has come to, and with undefined that nobody is at work. */
  enter(row: Row | undefined): void;
  /** How often it was felt. */
  readonly felt: number;
  /** Fair from here on. */
  end(): void;
}

/** Bad weather ends: after so many calls that felt it, everything works again. */
const longest = 5;

/** Stores in memory that go through `condition` while a worker is at `row`. */
export function createWeather(
  { row, condition }: { readonly row: Row; readonly condition: Condition },
  random: Random,
): Weather {
  let at: Row | undefined;
  let felt = 0;
  let ended = false;
  const isBad = (wanted: readonly Condition[]) =>
    !ended && at === row && felt < longest && wanted.includes(condition);

  const throttle = (port: string) => (method: string, call: () => Promise<unknown>) => {
    const share = condition === 'throttled-10' ? 0.1 : 0.5;
    if (!isBad(['throttled-10', 'throttled-50']) || random() >= share) return call();
    felt += 1;
    throw unavailable('store-unavailable', `${port}.${method} was throttled`);
  };
  const lose = (method: string, call: () => Promise<unknown>) => {
    if (!isBad(['storm']) || !['postpone', 'recordIssued', 'recordAdvice', 'put'].includes(method))
      return call();
    felt += 1;
    return Promise.resolve(false);
  };
  const shut = (method: string, call: () => Promise<unknown>) => {
    if (!isBad(['vault-outage'])) return call();
    felt += 1;
    throw unavailable('vault-unavailable', `the vault did not answer ${method}`);
  };
  const seen = new Map<string, unknown>();
  const lag = (port: string) => async (method: string, call: () => Promise<unknown>, argument: unknown) => {
    const now = await call();
    if (method !== 'findDue') return now;
    const key = `${port} ${(argument as { shard: string }).shard}`;
    const before = seen.get(key);
    seen.set(key, now);
    if (!isBad(['stale-index']) || before === undefined) return now;
    felt += 1;
    return before;
  };

  const certificates = around(createMemoryCertificateStore(), lose);
  const items = around(createMemoryBucketItems(), lose);
  const buckets = createBucketStore(items, { clock: systemClock, random });
  return {
    stores: {
      certificates: around(around(certificates, lag('certificates')), throttle('certificates')),
      renewals: around(around(createMemoryRenewalStore(), lag('renewals')), throttle('renewals')),
      runs: around(createMemoryRunStore(), throttle('runs')),
      buckets: around(buckets, throttle('buckets')),
      vault: around(createMemoryKeyVault(), shut),
    },
    enter(next) {
      at = next;
    },
    get felt() {
      return felt;
    },
    end() {
      ended = true;
    },
  };
}

const unavailable = (code: string, message: string) => new Failure({ code, disposition: 'retry', message });

type Around = (method: string, call: () => Promise<unknown>, argument: unknown) => Promise<unknown>;

/** The same port with every asynchronous method going through `act`. */
function around<Port extends object>(port: Port, act: Around): Port {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function' || key === 'list') return value;
      return async (...given: unknown[]) =>
        act(String(key), async () => Reflect.apply(value, target, given), given[0]);
    },
  });
}
