import { describe, expect, it, vi } from 'vitest';
import { renewalWork } from '../../../events/renewal-work.ts';
import { createDns01Presenter } from '../../../shared/challenges/dns-01.ts';
import { createIssueSteps } from '../../../shared/renewal/steps/issue.ts';
import { createWorkHandler } from '../../../shared/renewal/work-handler.ts';
import { points } from '../../support/faults.ts';
import { redeliverySeconds } from '../../support/fleet-scene.ts';
import { findViolations } from '../../support/invariants.ts';
import { renewUnderFaults, secondRun } from '../../support/trial.ts';
import {
  begin,
  ground,
  open,
  renew,
  renewWith,
  second,
  stored,
  trial,
  useFailureScene,
} from './failure-scene.ts';

// Failures that others had in public (F1, F2, …), each with what keeps this program from repeating it.
useFailureScene();

describe('a worker', () => {
  it('F5: that died with the lease holds the renewal until the lease ends, and no longer', async () => {
    await begin();
    await open();
    const { renewals, clock } = trial.scene;
    const now = clock.now();
    const until = new Date(now.getTime() + 150_000);
    await renewals.claim(second(), { owner: 'the dead', now, until });
    expect(await renew()).toEqual({ kind: 'not-claimed' });
    clock.advance(redeliverySeconds);
    expect(await renew()).toMatchObject({ kind: 'handed-over' });
  });

  it('F8: gets through a CA that refuses nine of ten nonces', async () => {
    await begin();
    const act = { status: 400, problemType: 'badNonce' };
    for (const resource of ['newOrder', 'authorization', 'challenge', 'order', 'finalize', 'certificate'])
      ground.world.ca.faults.add({ resource, times: 9, act, names: trial.names[1] });
    expect(await findViolations(ground.world, trial, await renewUnderFaults(ground, trial, []))).toEqual([]);
  });

  it.each(points)(
    'F19: that sleeps through its lease at %s of finalize does no harm when it wakes',
    async (point) => {
      expect(await renewWith('finalize-order', point, 'zombie')).toEqual([]);
    },
  );

  it('F22: whose vault does not show the staged key yet asks again within minutes', async () => {
    const { scene } = await begin();
    const { readStagedKey } = scene.vault;
    let misses = 1;
    scene.vault.readStagedKey = async (id) => (misses-- > 0 ? undefined : readStagedKey(id));
    const before = scene.clock.now();
    const stop = { row: 'finalize-order', point: 'before-effect', mode: 'kill' } as const;
    const convergence = await renewUnderFaults(ground, trial, [stop]);
    expect(convergence.log.join()).toContain('staged-key-missing');
    expect(scene.clock.now().getTime() - before.getTime()).toBeLessThan(15 * 60_000);
    expect(await findViolations(ground.world, trial, convergence)).toEqual([]);
  });

  it('F10: waits for the one name server that lags behind the others', async () => {
    await begin();
    const seen: string[] = [];
    const presenter = createDns01Presenter({
      clock: trial.scene.clock,
      providers: raise,
      propagation: {
        findServers: async () => ['a', 'b', 'c'].map((label) => ({ label, address: label })),
        check: async ({ label }) => {
          seen.push(label);
          return label === 'c' ? { visible: false, reason: 'no such record' } : { visible: true };
        },
      },
    });
    const challenge = { type: 'dns-01', domain: 'a.test', token: 't', keyAuthorization: 't.k' } as const;
    const obstacle = await presenter.findObstacle(challenge, new AbortController().signal);
    expect(obstacle).toContain('c: no such record');
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
  });

  it('F24: tells no log, no item and no error a private key', async () => {
    const written: string[] = [];
    const write = (text: unknown) => written.push(String(text)) > 0;
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation(write);
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, method).mockImplementation(write);
    await begin();
    const { scene, name } = trial;
    ground.world.ca.faults.add({ resource: 'finalize', act: 'wrong-key', names: trial.names[1] });
    await open();
    const handler = createWorkHandler({
      message: renewalWork,
      ports: scene.runner,
      createSteps: () => createIssueSteps(scene.issue),
    });
    const body = JSON.stringify({ ...second(), runId: secondRun });
    const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 };
    const invoke = handler as unknown as (event: object, context: object) => Promise<unknown>;
    await invoke({ Records: [{ messageId: 'm', body, eventSource: 'aws:sqs' }] }, context);
    vi.restoreAllMocks();
    const told = JSON.stringify([
      written,
      await stored(),
      await scene.certificates.get(name),
      await scene.runs.listOutcomes(secondRun),
      await scene.runs.listOutcomes('first run'),
    ]);
    const account = await ground.accounts.read(ground.world.directoryUrl);
    const staged = [1, 2].map((generation) => scene.vault.readStagedKey({ name, generation }));
    const keys = (await Promise.all(staged)).map((key) => key?.privateKeyPem ?? '');
    expect(written.join()).toContain('issued-chain-wrong');
    for (const pem of [...keys, account?.privateKeyPem ?? '']) {
      const lines = pem.split('\n').filter((line) => line.length > 40);
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines) expect(told.includes(line)).toBe(false);
    }
    expect(told).not.toContain('PRIVATE KEY');
  });
});

describe('a renewal', () => {
  it('F14: whose endpoint still serves the old certificate is no success', async () => {
    await begin();
    await open();
    await renew();
    const [work] = trial.scene.queue.take('deploy-certificate');
    const claimed = await trial.scene.renewals.claim(second(), {
      owner: 'a deployment that reached nobody',
      now: trial.scene.clock.now(),
      until: trial.scene.clock.now(),
    });
    if (!claimed || !work) throw new Error('not claimed');
    await trial.scene.renewals.release({ ...claimed, step: 'verify', deployedTo: ['elsewhere'] });
    const result = await trial.scene.deliver('verify-certificate', work);
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'endpoint-stale' } });
    expect((await stored())?.outcome).toBeUndefined();
  });

  it('F21: whose message the queue did not take is sent again by the scheduler', async () => {
    await begin();
    await open();
    const { queue, clock } = trial.scene;
    const { send } = queue;
    queue.send = () => Promise.reject(new Error('1 of 1 entries failed'));
    await expect(renew()).rejects.toThrow('entries failed');
    queue.send = send;
    clock.advance(901);
    await trial.scene.tick('r');
    expect(queue.take('deploy-certificate')).toMatchObject([second()]);
  });
});

function raise(): never {
  throw new Error('not tracked');
}
