import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import type { StepName } from '../../../shared/renewal/renewal.ts';
import { runRenewal } from '../../../shared/renewal/run-renewal.ts';
import type { Step } from '../../../shared/renewal/step.ts';
import { createMemoryRenewalStore } from '../../../shared/renewal/store.memory.ts';
import { createMemoryWorkQueue } from '../../../shared/renewal/work-queue.memory.ts';
import type { RunResult, WorkerSteps } from '../../../shared/renewal/worker.ts';
import { createMemoryRunStore } from '../../../shared/report/runs.memory.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import {
  aCertificate,
  anIssuedCertificate,
  aPolicy,
  aRenewal,
  daysAfter,
  noon,
} from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const name = 'www.example.com';
const work = { certificateName: name, generation: 1, runId: 'run-1' };
let attempts = 0;
const failure = (code: string, more: object = {}) =>
  new Failure({ code, disposition: 'retry', message: `it is ${code}`, ...more });

function createScene() {
  const clock = createFakeClock(noon);
  const ports = {
    certificates: createMemoryCertificateStore(),
    renewals: createMemoryRenewalStore(),
    runs: createMemoryRunStore(),
    queue: createMemoryWorkQueue(),
    clock,
    random: () => 0.5,
  };
  const performed: string[] = [];
  const follow = (step: StepName, act: Step = async () => ({ kind: 'done' })): [StepName, Step] => [
    step,
    (context) => {
      performed.push(context.resumed ? `${step} resumed` : step);
      return act(context);
    },
  ];
  const run = (
    steps: [StepName, Step][],
    {
      remainingMillis = 100_000,
      withdraw,
    }: { remainingMillis?: number } & Pick<WorkerSteps, 'withdraw'> = {},
  ): Promise<RunResult> => {
    const endsAt = clock.now().getTime() + remainingMillis;
    return runRenewal({
      work,
      steps: Object.fromEntries(steps),
      ...(withdraw && { withdraw }),
      owner: `attempt ${++attempts}`,
      deadline: {
        signal: new AbortController().signal,
        remainingMillis: () => endsAt - clock.now().getTime(),
      },
      ports,
    });
  };
  return { clock, ports, performed, follow, run };
}

describe('a renewal', () => {
  let scene: ReturnType<typeof createScene>;
  beforeEach(async () => {
    scene = createScene();
    await scene.ports.certificates.track({ name, policy: aPolicy(), now: noon });
    await scene.ports.renewals.open(aRenewal());
  });
  const stored = () => scene.ports.renewals.get(work);

  it('goes step by step, each stored before the next begins, and is handed to the next worker', async () => {
    const { follow, run, ports, performed } = scene;
    const result = await run([
      follow('stage-key'),
      follow('place-order', async () => {
        expect(await stored()).toMatchObject({ step: 'place-order' });
        return { kind: 'done', next: 'withdraw-challenges', changes: { warnings: ['w'] } };
      }),
      follow('withdraw-challenges'),
    ]);
    expect(result).toEqual({ kind: 'handed-over', to: 'deploy-certificate' });
    expect(performed).toEqual(['stage-key resumed', 'place-order', 'withdraw-challenges']);
    expect(ports.queue.take('deploy-certificate')).toEqual([work]);
    expect(await stored()).toMatchObject({ step: 'deploy', warnings: ['w'] });
  });

  it('ends as renewed after its last step, and the run hears of it', async () => {
    const { follow, run, ports } = scene;
    const result = await run([
      follow('stage-key', async () => ({
        kind: 'done',
        next: 'verify',
        changes: { deployedTo: ['file:/a'] },
      })),
      follow('verify', async () => ({ kind: 'done', changes: { verifiedAt: ['www.example.com:443'] } })),
    ]);
    expect(result).toEqual({ kind: 'ended', outcome: 'renewed' });
    expect(await ports.runs.listOutcomes('run-1')).toMatchObject([
      { result: 'renewed', deployed: 1, verified: 1 },
    ]);
    expect(await run([follow('stage-key')])).toEqual({ kind: 'not-claimed' });
  });

  it('is left alone while another worker holds it', async () => {
    const { follow, run, ports, performed } = scene;
    await ports.renewals.claim(work, { owner: 'other', now: noon, until: daysAfter(noon, 1) });
    expect(await run([follow('stage-key')])).toEqual({ kind: 'not-claimed' });
    expect(performed).toEqual([]);
  });

  it('waits in the process when the wait is short, and is stored when it is not', async () => {
    const { follow, run, clock } = scene;
    let looks = 0;
    const result = await run([
      follow('stage-key', async ({ polls }) => {
        expect(polls).toBe(looks);
        looks += 1;
        return { kind: 'wait', seconds: looks < 3 ? 5 : 3600, reason: 'busy' };
      }),
    ]);
    expect(clock.slept).toEqual([5000, 5000]);
    const until = new Date(noon.getTime() + 10_000 + 3_600_000);
    expect(result).toEqual({ kind: 'waiting', until, reason: 'busy' });
    expect(await stored()).toMatchObject({ step: 'stage-key', nextActionAt: until });
  });

  it('starts no step when the time left may not carry it to its end', async () => {
    const { follow, run, performed } = scene;
    expect(await run([follow('stage-key')], { remainingMillis: 10_000 })).toMatchObject({ kind: 'waiting' });
    expect(performed).toEqual([]);
  });

  it('keeps a failure with its step, backs off further each time, and tells the run', async () => {
    const { follow, run, ports, clock } = scene;
    const steps = [
      follow('stage-key', async () => {
        throw failure('ca-unreachable');
      }),
    ];
    expect(await run(steps)).toMatchObject({ kind: 'failed', retryAt: new Date(noon.getTime() + 60_000) });
    expect(await stored()).toMatchObject({
      attempts: 1,
      lastProblem: { code: 'ca-unreachable', step: 'stage-key' },
    });
    clock.advance(60_000);
    expect(await run(steps)).toMatchObject({ kind: 'failed', retryAt: new Date(noon.getTime() + 660_000) });
    expect(await ports.runs.listOutcomes('run-1')).toMatchObject([
      { result: 'failed', error: { code: 'ca-unreachable', message: 'it is ca-unreachable' } },
    ]);
  });

  it.each(['order-invalid', 'validation-failed'])(
    'begins a new order after %s, in the same generation',
    async (code) => {
      const { follow, run } = scene;
      const order = {
        url: 'https://ca/o',
        accountUrl: 'https://ca/a',
        finalizeUrl: 'https://ca/f',
        authorizationUrls: [],
      };
      await run([
        follow('stage-key', async () => ({ kind: 'done', next: 'await-validation', changes: { order } })),
        follow('await-validation', async () => {
          throw failure(code);
        }),
      ]);
      expect(await stored()).toMatchObject({
        step: 'place-order',
        challenges: [],
        attempts: 1,
        generation: 1,
      });
      expect((await stored())?.order).toBeUndefined();
    },
  );

  it('places a new order at once, and only once, when the CA does not know the stored one', async () => {
    const { follow, run, performed } = scene;
    const result = await run([
      follow('stage-key', async () => ({ kind: 'done', next: 'finalize-order' })),
      follow('place-order', async () => ({ kind: 'done', next: 'finalize-order' })),
      follow('finalize-order', async () => {
        throw failure('order-missing');
      }),
    ]);
    expect(performed).toEqual(['stage-key resumed', 'finalize-order', 'place-order', 'finalize-order']);
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'order-missing' } });
  });

  it('asks for redelivery when its state cannot be stored', async () => {
    const { follow, run } = scene;
    const broken = follow('stage-key', async () => {
      throw failure('store-unavailable');
    });
    await expect(run([broken])).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('touches nothing more once another worker has taken it over', async () => {
    const { follow, run, ports } = scene;
    const result = await run([
      follow('stage-key', async () => {
        await ports.renewals.breakLease(work, noon);
        await ports.renewals.claim(work, { owner: 'other', now: noon, until: daysAfter(noon, 1) });
        return { kind: 'done' };
      }),
      follow('place-order'),
    ]);
    expect(result).toEqual({ kind: 'not-claimed' });
    expect(scene.performed).toEqual(['stage-key resumed']);
  });

  it('ends as superseded when a newer generation is current', async () => {
    const { follow, run, ports, performed } = scene;
    const issued = anIssuedCertificate({ generation: 2 });
    const read = (await ports.certificates.get(name)) ?? aCertificate();
    await ports.certificates.recordIssued({ read, issued, nextActionAt: noon });
    expect(await run([follow('stage-key')])).toEqual({ kind: 'ended', outcome: 'superseded' });
    expect(performed).toEqual([]);
  });

  it('ends as abandoned when the names changed, and has the certificate looked at again at once', async () => {
    const { follow, run, ports, clock } = scene;
    const policy = aPolicy({ domains: [name, 'example.com'] });
    await ports.certificates.changePolicy({ name, policy, now: daysAfter(noon, 1) });
    expect(await run([follow('stage-key')])).toEqual({ kind: 'ended', outcome: 'abandoned' });
    expect((await ports.certificates.get(name))?.nextActionAt).toEqual(clock.now());
  });

  it('goes on to deploy what was issued even if the inventory no longer asks for it', async () => {
    const { follow, run, ports } = scene;
    await run([
      follow('stage-key', async () => ({
        kind: 'wait',
        seconds: 3600,
        reason: '',
        changes: { issued: anIssuedCertificate() },
      })),
    ]);
    await ports.certificates.retire(name);
    scene.clock.advance(3_600_000);
    expect(await run([follow('stage-key', async () => ({ kind: 'done', next: 'deploy' }))])).toEqual({
      kind: 'handed-over',
      to: 'deploy-certificate',
    });
  });

  it('rests until the CA lets it come back, however many messages arrive', async () => {
    const { follow, run, performed, clock } = scene;
    const limited = [
      follow('stage-key', async () => {
        throw failure('acme-rateLimited', { disposition: 'retry-after', retryAfterSeconds: 5 * 3600 });
      }),
    ];
    expect(await run(limited)).toMatchObject({ kind: 'failed' });
    clock.advance(3600_000);
    expect(await Promise.all([run(limited), run(limited), run(limited)])).toEqual(
      Array(3).fill({ kind: 'not-claimed' }),
    );
    expect(performed).toHaveLength(1);
    clock.advance(4 * 3600_000);
    expect(await run(limited)).toMatchObject({ kind: 'failed' });
    expect(performed).toHaveLength(2);
  });

  it('spends no more than half a minute of an invocation waiting, over all its waits', async () => {
    const { follow, run, clock } = scene;
    const slow = follow('stage-key', async () => ({ kind: 'wait', seconds: 12, reason: 'busy' }));
    expect(await run([slow])).toMatchObject({ kind: 'waiting' });
    expect(clock.slept).toEqual([12_000, 12_000]);
  });

  it('is reported and backs off when a step has waited for more than half an hour', async () => {
    const { follow, run, clock } = scene;
    const stuck = [
      follow('stage-key', async () => ({ kind: 'wait', seconds: 60, reason: 'the CA is issuing' })),
    ];
    expect(await run(stuck)).toMatchObject({ kind: 'waiting' });
    clock.advance(31 * 60_000);
    expect(await run(stuck)).toMatchObject({
      kind: 'failed',
      failure: { code: 'step-overdue', message: expect.stringContaining('the CA is issuing') },
    });
    expect(await stored()).toMatchObject({ attempts: 1, step: 'stage-key' });
  });

  it('fails when a step needs more than a whole invocation, and is only put off when it began late', async () => {
    const { follow, run } = scene;
    const slow = async () => {
      throw failure('deadline');
    };
    const late = [follow('stage-key'), follow('place-order', slow)];
    expect(await run(late)).toMatchObject({ kind: 'waiting' });
    scene.clock.advance(1000);
    expect(await run(late)).toMatchObject({ kind: 'failed', failure: { code: 'deadline' } });
  });

  it('takes proofs off show when its order is lost or its reason gone, and remembers those that would not go', async () => {
    const proof = (domain: string) => ({
      type: 'http-01' as const,
      domain,
      token: 't',
      keyAuthorization: 't.k',
      challengeUrl: `https://ca/${domain}`,
    });
    const withdrawn: string[] = [];
    const withdraw = async (challenges: readonly { domain: string }[]) => {
      withdrawn.push(...challenges.map(({ domain }) => domain));
      return { remaining: [proof('b.example.com')], problems: ['b remains'] };
    };
    const challenges = [proof('a.example.com'), proof('b.example.com')];
    const lost = scene.follow('stage-key', async () => ({
      kind: 'done',
      next: 'await-validation',
      changes: { challenges },
    }));
    const invalid = scene.follow('await-validation', async () => {
      throw failure('order-invalid');
    });
    await scene.run([lost, invalid], { withdraw });
    expect(withdrawn).toEqual(['a.example.com', 'b.example.com']);
    expect(await stored()).toMatchObject({
      challenges: [{ domain: 'b.example.com' }],
      warnings: ['b remains'],
    });
    await scene.ports.certificates.retire(name);
    scene.clock.advance(60_000);
    expect(await scene.run([scene.follow('place-order')], { withdraw })).toEqual({
      kind: 'ended',
      outcome: 'abandoned',
    });
    expect(withdrawn).toEqual(['a.example.com', 'b.example.com', 'b.example.com']);
  });

  it('is left to the worker of its step when a message of an earlier step comes late', async () => {
    const { follow, run, ports } = scene;
    await run([follow('stage-key', async () => ({ kind: 'done', next: 'verify' }))]);
    ports.queue.take('verify-certificate');
    const before = await stored();
    expect(await run([follow('stage-key')])).toEqual({ kind: 'not-claimed' });
    expect(await stored()).toEqual(before);
    expect(ports.queue.take('verify-certificate')).toEqual([]);
  });
});
