import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkerSteps } from '../../../shared/renewal/worker.ts';
import { noon } from '../../support/builders.ts';
import { createScene, failure, name, work } from './runner-scene.ts';

describe('a renewal that cannot go on', () => {
  let scene: Awaited<ReturnType<typeof createScene>>;
  beforeEach(async () => {
    scene = await createScene();
  });
  const stored = () => scene.stored();

  it('waits in the process when the wait is short, and is stored when it is not', async () => {
    const { follow, run, clock } = scene;
    let looks = 0;
    const result = await run([
      follow('choose-ca', async ({ polls }) => {
        expect(polls).toBe(looks);
        looks += 1;
        return { kind: 'wait', seconds: looks < 3 ? 5 : 3600, reason: 'busy' };
      }),
    ]);
    expect(clock.slept).toEqual([5000, 5000]);
    const until = new Date(noon.getTime() + 10_000 + 3_600_000);
    expect(result).toEqual({ kind: 'waiting', until, reason: 'busy' });
    expect(await stored()).toMatchObject({ step: 'choose-ca', nextActionAt: until });
  });

  it('starts no step when the time left may not carry it to its end', async () => {
    const { follow, run, performed } = scene;
    expect(await run([follow('choose-ca')], { remainingMillis: 10_000 })).toMatchObject({ kind: 'waiting' });
    expect(performed).toEqual([]);
  });

  it('keeps a failure with its step, backs off further each time, and tells the run', async () => {
    const { follow, run, ports, clock } = scene;
    const steps = [
      follow('choose-ca', async () => {
        throw failure('ca-unreachable');
      }),
    ];
    expect(await run(steps)).toMatchObject({ kind: 'failed', retryAt: new Date(noon.getTime() + 60_000) });
    expect(await stored()).toMatchObject({
      attempts: 1,
      lastProblem: { code: 'ca-unreachable', step: 'choose-ca' },
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
        follow('choose-ca', async () => ({ kind: 'done', next: 'await-validation', changes: { order } })),
        follow('await-validation', async () => {
          throw failure(code);
        }),
      ]);
      expect(await stored()).toMatchObject({
        step: 'choose-ca',
        challenges: [],
        attempts: 1,
        generation: 1,
      });
      expect((await stored())?.order).toBeUndefined();
    },
  );

  it('rests until the CA lets it come back, however many messages arrive', async () => {
    const { follow, run, performed, clock } = scene;
    const limited = [
      follow('choose-ca', async () => {
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
    const slow = follow('choose-ca', async () => ({ kind: 'wait', seconds: 12, reason: 'busy' }));
    expect(await run([slow])).toMatchObject({ kind: 'waiting' });
    expect(clock.slept).toEqual([12_000, 12_000]);
  });

  it('is reported and backs off when a step has waited for more than half an hour', async () => {
    const { follow, run, clock } = scene;
    const stuck = [
      follow('choose-ca', async () => ({ kind: 'wait', seconds: 60, reason: 'the CA is issuing' })),
    ];
    expect(await run(stuck)).toMatchObject({ kind: 'waiting' });
    clock.advance(31 * 60_000);
    expect(await run(stuck)).toMatchObject({
      kind: 'failed',
      failure: { code: 'step-overdue', message: expect.stringContaining('the CA is issuing') },
    });
    expect(await stored()).toMatchObject({ attempts: 1, step: 'choose-ca' });
  });

  it('fails when a step needs more than a whole invocation, and is only put off when it began late', async () => {
    const { follow, run } = scene;
    const slow = async () => {
      throw failure('deadline');
    };
    const late = [follow('choose-ca'), follow('stage-key', slow)];
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
      orderUrl: 'https://ca/o',
      challengeUrl: `https://ca/${domain}`,
    });
    const withdrawn: string[] = [];
    const letGo: WorkerSteps['letGo'] = async ({ challenges }) => {
      withdrawn.push(...challenges.map(({ domain }) => domain));
      return { challenges: [proof('b.example.com')], warnings: ['b remains'] };
    };
    const challenges = [proof('a.example.com'), proof('b.example.com')];
    const lost = scene.follow('choose-ca', async () => ({
      kind: 'done',
      next: 'await-validation',
      changes: { challenges },
    }));
    const invalid = scene.follow('await-validation', async () => {
      throw failure('order-invalid');
    });
    await scene.run([lost, invalid], { letGo });
    expect(withdrawn).toEqual(['a.example.com', 'b.example.com']);
    expect(await stored()).toMatchObject({
      challenges: [{ domain: 'b.example.com' }],
      warnings: ['b remains'],
    });
    await scene.ports.certificates.retire(name);
    scene.clock.advance(60_000);
    expect(await scene.run([scene.follow('choose-ca')], { letGo })).toEqual({
      kind: 'ended',
      outcome: 'abandoned',
    });
    expect(withdrawn).toEqual(['a.example.com', 'b.example.com', 'b.example.com']);
  });

  it('rests without a failure until a limit frees', async () => {
    const { follow, run, clock } = scene;
    const until = new Date(noon.getTime() + 5 * 3600_000);
    const limited = [follow('choose-ca', async () => ({ kind: 'rest', until, reason: 'the limit' }))];
    expect(await run(limited)).toEqual({ kind: 'waiting', until, reason: 'the limit' });
    expect(await stored()).toMatchObject({ attempts: 0, nextActionAt: until, restsUntil: until });
    clock.advance(3600_000);
    expect(await run(limited)).toEqual({ kind: 'not-claimed' });
  });

  it('is paused by the CA until a person wakes it', async () => {
    const { follow, run, clock, ports } = scene;
    const paused = [
      follow('choose-ca', async () => {
        throw failure('acme-paused', { disposition: 'give-up' });
      }),
    ];
    expect(await run(paused)).toMatchObject({ kind: 'failed', retryAt: undefined });
    expect((await stored())?.nextActionAt).toBeUndefined();
    clock.advance(400 * 86_400_000);
    expect(await run(paused)).toEqual({ kind: 'not-claimed' });
    await ports.renewals.wake(work, clock.now());
    expect(await run(paused)).toMatchObject({ kind: 'failed' });
  });

  it('counts as one that keeps failing from its sixth failure on', async () => {
    const { follow, run, clock } = scene;
    const failing = [
      follow('choose-ca', async () => {
        throw failure('validation-failed');
      }),
    ];
    for (let attempt = 1; attempt <= 6; attempt++) {
      expect((await stored())?.quarantinedAt).toBeUndefined();
      await run(failing);
      clock.advance(2 * 86_400_000);
    }
    expect((await stored())?.quarantinedAt).toBeDefined();
  });

  it('goes on elsewhere at once where its worker finds something else to try', async () => {
    const { follow, run } = scene;
    const failing = follow('choose-ca', async () => {
      throw failure('acme-caa');
    });
    const recover: WorkerSteps['recover'] = async () => ({
      changes: { leftOut: ['dead.example.com'] },
      step: 'choose-ca',
      retryNow: true,
    });
    expect(await run([failing], { recover })).toMatchObject({ retryAt: new Date(noon.getTime() + 1000) });
    expect(await stored()).toMatchObject({ leftOut: ['dead.example.com'], attempts: 1 });
  });
});
