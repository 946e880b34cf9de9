import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountStore } from '../../shared/acme/account-store.ts';
import { createMemoryAccountStore } from '../../shared/acme/accounts.memory.ts';
import { type AcmeTransport, createTransport } from '../../shared/acme/transport.ts';
import type { ChallengeType } from '../../shared/certificates/certificate.ts';
import type { CaLimits } from '../../shared/limits/published-limits.ts';
import { aPolicy } from './builders.ts';
import { type Convergence, converge } from './convergence.ts';
import type { Fault } from './faults.ts';
import { createFleetScene, type FleetScene, workers } from './fleet-scene.ts';
import type { startIssueWorld } from './issue-world.ts';
import { type WatchedAnswers, watchAnswers } from './watched-answers.ts';
import type { Weather } from './weather.ts';

export type TrialWorld = Awaited<ReturnType<typeof startIssueWorld>>;

/** Let's Encrypt's limits, refilling so slowly that every token charged can be counted afterwards. */
export const countableLimits: CaLimits = {
  ordersPerAccount: { burst: 300, periodSeconds: 3e9 },
  certificatesPerDomain: { burst: 50, periodSeconds: 5e8 },
  certificatesPerSet: { burst: 5, periodSeconds: 5e7 },
  failedAuthorizations: { burst: 5, periodSeconds: 5e7 },
  requests: {},
  namesPerCertificate: 100,
  orderLifetimeSeconds: 604_800,
};

/** One certificate that is being renewed for more names while its first generation is served. */
export interface Trial {
  readonly name: string;
  /** Of the first generation, and of the second. */
  readonly names: readonly [readonly string[], readonly string[]];
  /** Where pairs are deployed. */
  readonly directory: string;
  readonly scene: FleetScene;
  readonly answers: WatchedAnswers;
  /** Times that newOrder was accepted by the CA, as far as the client could see. */
  readonly ordersSeen: { count: number };
  readonly served: (string | undefined)[];
  readonly weather?: Weather | undefined;
}

/** What trials at one CA share: the fleet's account, and the connections. */
export interface TrialGround {
  readonly world: TrialWorld;
  readonly transport: AcmeTransport;
  readonly accounts: AccountStore;
  /** Names differ from trial to trial. */
  readonly trials: { count: number };
}

export const createTrialGround = (world: TrialWorld): TrialGround => ({
  world,
  transport: createTransport({ roots: world.rootPem }),
  accounts: createMemoryAccountStore(),
  trials: { count: 0 },
});

/** A fleet of one certificate, issued, deployed and served, whose second generation is due. */
export async function prepareTrial(
  ground: TrialGround,
  { name, challenge, weather }: { name: string; challenge: ChallengeType; weather?: Weather | undefined },
): Promise<Trial> {
  const { world, accounts } = ground;
  const ordersSeen = { count: 0 };
  const answers = watchAnswers(world.answers);
  const directory = await mkdtemp(join(tmpdir(), 'certfleet-trial-'));
  const scene = await createFleetScene({
    world,
    directory,
    limits: countableLimits,
    answers,
    stores: { accounts, ...weather?.stores },
    transport: async (request) => {
      const response = await ground.transport(request);
      if (request.url.endsWith('/new-order') && response.status < 300) ordersSeen.count += 1;
      return response;
    },
  });
  const policy = aPolicy({ domains: [name], challenge, dnsPlugin: 'rfc2136' });
  await scene.track(name, policy);
  await scene.tick('first run');
  for (const worker of workers)
    for (const work of scene.queue.take(worker)) await scene.deliver(worker, work);
  const both = [name, `www.${name}`];
  await scene.certificates.changePolicy({
    name,
    policy: { ...policy, domains: both },
    now: scene.clock.now(),
  });
  return { name, names: [[name], both], directory, scene, answers, ordersSeen, served: [], weather };
}

export const secondRun = 'second run';

/** Renews the trial's certificate while `faults` strike; looks at the endpoint after each. */
export async function renewUnderFaults(
  { world }: TrialGround,
  trial: Trial,
  faults: readonly Fault[],
): Promise<Convergence> {
  const { name, names, scene, served, weather } = trial;
  const look = async () => {
    served.push(await scene.servedSerial(name));
  };
  await look();
  const id = { certificateName: name, generation: 2 };
  const convergence = await converge(scene, {
    id,
    runId: secondRun,
    faults,
    ca: world.ca,
    names: names[1],
    onRow: weather?.enter,
    look,
  });
  weather?.end();
  await look();
  return convergence;
}
