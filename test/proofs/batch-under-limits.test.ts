import { expect, it } from 'vitest';
import { letsEncryptLimits } from '../../local/ca/limits.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import { publishedLimits } from '../../shared/limits/published-limits.ts';
import { planRenewals } from '../../shared/renewal/plan-renewals.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import type { RenewalWork } from '../../shared/renewal/work-queue.ts';
import type { RunResult } from '../../shared/renewal/worker.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Deadline } from '../../shared/runtime/deadline.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import { aPolicy } from '../support/builders.ts';
import { createIssueScene, type IssueScene, issueStepsOf } from '../support/issue-scene.ts';
import { startIssueWorld } from '../support/issue-world.ts';

const domains = 40;
const certificatesPerDomain = 50;
const total = domains * certificatesPerDomain;
const workersAtOnce = 16;
const tickSeconds = 60;
const ordersPerHour = 100;
/** The limits must bind, not the machine: what it would do by itself is asked of it to a fifth. */
const shareOfMachine = 0.2;
const [slowest, fastest] = [90, 330];

/** How many times as fast as the machine's the clock of CA and fleet may run. */
async function chooseSpeed(): Promise<number> {
  if (process.env.BATCH_SPEED) return Number(process.env.BATCH_SPEED);
  const world = await startIssueWorld({ badNonceRate: 0, finalizeMillis: 0 });
  const scene = createIssueScene({ world });
  const names = Array.from({ length: 96 }, (_, host) => `host-${host}.calibration.test`);
  await track(scene, names);
  let done = 0;
  const began = performance.now();
  await workOff(scene, {
    tick: () => tick(scene),
    tickMillis: 50,
    isDone: () => done >= names.length,
    onEnded: () => {
      done += 1;
    },
    giveUpMillis: 60_000,
  });
  await world.stop();
  const perHour = (done / (performance.now() - began)) * 3_600_000;
  return Math.round(Math.min(fastest, Math.max(slowest, (perHour * shareOfMachine) / ordersPerHour)));
}

/** Time in a hurry. Waits between polls are short, though not as short as time is: latencies are real. */
const fastClock = (speed: number): Clock => {
  const startedAt = Date.now();
  return {
    now: () => new Date(startedAt + (Date.now() - startedAt) * speed),
    sleep: (millis, signal) => systemClock.sleep(millis / 20, signal),
  };
};

it("2,000 certificates of 40 domains get past Let's Encrypt's limits without a refusal, when the plan said", async () => {
  const speed = await chooseSpeed();
  const clock = fastClock(speed);
  const world = await startIssueWorld({
    clock,
    limits: letsEncryptLimits,
    badNonceRate: 0,
    finalizeMillis: 0,
  });
  try {
    const transport = createTransport({ roots: world.rootPem });
    let lastOrderAt = clock.now();
    const scene = createIssueScene({
      world,
      clock,
      // Requests per second are kept by the machine's time: a chunk of them would lapse before it is used.
      pacerClock: systemClock,
      limits: publishedLimits('lets-encrypt'),
      random: Math.random,
      transport: async (request) => {
        const response = await transport(request);
        if (request.url.endsWith('/new-order') && response.status === 201) lastOrderAt = clock.now();
        return response;
      },
    });
    await track(scene, fleet);
    const startedAt = clock.now();
    const plan = await planRenewals({ tickSeconds, dueWithinHours: 0 }, scene.schedule);
    let finished = 0;
    const ended = await workOff(scene, {
      tick: () => tick(scene),
      tickMillis: (tickSeconds * 1000) / speed,
      isDone: () => finished >= total,
      onEnded: () => {
        finished += 1;
      },
      // A day of the fast clock, where the plan says less.
      giveUpMillis: 86_400_000 / speed,
    });
    const hoursFrom = (instant: Date) => (instant.getTime() - startedAt.getTime()) / 3_600_000;
    const planned = hoursFrom(new Date(plan.finishedAt ?? startedAt));
    const taken = hoursFrom(lastOrderAt);
    const { issued, rateLimited } = world.ca.ledger;
    console.log(
      [
        `batch under limits: ${issued.length}/${total} issued, refused ${JSON.stringify(rateLimited)}`,
        `planned to finish in ${planned.toFixed(2)} h, took ${taken.toFixed(2)} h (${((taken / planned - 1) * 100).toFixed(1)} %), speed ${speed}`,
        `${plan.waiting} waited, first for ${plan.bindingBuckets[0]?.bucket}; results ${JSON.stringify(ended)}`,
      ].join('\n  '),
    );
    expect(issued).toHaveLength(total);
    expect(rateLimited).toEqual({});
    expect(Math.abs(taken / planned - 1)).toBeLessThanOrEqual(0.05);
  } finally {
    await world.stop();
  }
}, 1_200_000);

const fleet = Array.from(
  { length: total },
  (_, index) =>
    `host-${index % certificatesPerDomain}.customer-${Math.floor(index / certificatesPerDomain)}.test`,
);

async function track({ certificates, clock }: IssueScene, names: readonly string[]): Promise<void> {
  for (const name of names)
    await certificates.track({ name, policy: aPolicy({ domains: [name] }), now: clock.now() });
}

async function tick({ schedule }: IssueScene): Promise<void> {
  await scheduleRenewals({ runId: 'batch', tickSeconds, limitPerShard: 10_000 }, schedule);
}

/** Ticks, with a number of workers on what is sent; answers how runs ended. */
async function workOff(
  scene: IssueScene,
  by: {
    readonly tick: () => Promise<void>;
    readonly tickMillis: number;
    readonly isDone: () => boolean;
    readonly onEnded: () => void;
    readonly giveUpMillis: number;
  },
): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  const waiting: RenewalWork[] = [];
  let busy = 0;
  const giveUpAt = performance.now() + by.giveUpMillis;
  const startWorkers = () => {
    while (busy < workersAtOnce && waiting.length > 0) {
      const work = waiting.shift();
      if (!work) return;
      busy += 1;
      void carry(scene, work).then((end) => {
        busy -= 1;
        ends[end] = (ends[end] ?? 0) + 1;
        if (end === 'ended') by.onEnded();
        startWorkers();
      });
    }
  };
  while (!by.isDone() && performance.now() < giveUpAt) {
    const began = performance.now();
    await by.tick();
    waiting.push(...scene.queue.take('renew-certificate'));
    startWorkers();
    await systemClock.sleep(Math.max(by.tickMillis - (performance.now() - began), 1));
  }
  return ends;
}

let attempts = 0;

/** One delivery to a worker that does everything; deployment and verification have nothing to do here. */
async function carry(scene: IssueScene, work: RenewalWork): Promise<string> {
  const { steps, ...more } = issueStepsOf(scene);
  const nothing = async () => ({ kind: 'done' }) as const;
  try {
    const result: RunResult = await runRenewal({
      work,
      ...more,
      steps: { ...steps, deploy: nothing, verify: nothing },
      owner: `worker ${++attempts}`,
      deadline: startInvocation(scene.clock),
      ports: scene.runner,
    });
    return result.kind === 'failed' ? `failed: ${result.failure.code}` : result.kind;
  } catch (error) {
    return `threw: ${asFailure(error).code}`;
  }
}

/** A minute of the machine’s time and, told in the fleet’s, at least as much: leases are. */
function startInvocation(clock: Clock): Deadline {
  const endsAt = clock.now().getTime() + 60_000 * fastest;
  return {
    signal: AbortSignal.timeout(60_000),
    remainingMillis: () => Math.max(0, endsAt - clock.now().getTime()),
  };
}
