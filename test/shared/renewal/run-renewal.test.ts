import { beforeEach, describe, expect, it } from 'vitest';
import { aCertificate, anIssuedCertificate, aPolicy, daysAfter, noon } from '../../support/builders.ts';
import { createScene, failure, name, work } from './runner-scene.ts';

describe('a renewal', () => {
  let scene: Awaited<ReturnType<typeof createScene>>;
  beforeEach(async () => {
    scene = await createScene();
  });
  const stored = () => scene.stored();

  it('goes step by step, each stored before the next begins, and is handed to the next worker', async () => {
    const { follow, run, ports, performed } = scene;
    const result = await run([
      follow('choose-ca', async () => ({ kind: 'done', next: 'place-order' })),
      follow('place-order', async () => {
        expect(await stored()).toMatchObject({ step: 'place-order' });
        return { kind: 'done', next: 'withdraw-challenges', changes: { warnings: ['w'] } };
      }),
      follow('withdraw-challenges'),
    ]);
    expect(result).toEqual({ kind: 'handed-over', to: 'deploy-certificate' });
    expect(performed).toEqual(['choose-ca resumed', 'place-order', 'withdraw-challenges']);
    expect(ports.queue.take('deploy-certificate')).toEqual([work]);
    expect(await stored()).toMatchObject({ step: 'deploy', warnings: ['w'] });
  });

  it('ends as renewed after its last step, and the run hears of it', async () => {
    const { follow, run, ports } = scene;
    const result = await run([
      follow('choose-ca', async () => ({
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
    expect(await run([follow('choose-ca')])).toEqual({ kind: 'not-claimed' });
  });

  it('is left alone while another worker holds it', async () => {
    const { follow, run, ports, performed } = scene;
    await ports.renewals.claim(work, { owner: 'other', now: noon, until: daysAfter(noon, 1) });
    expect(await run([follow('choose-ca')])).toEqual({ kind: 'not-claimed' });
    expect(performed).toEqual([]);
  });

  it('places a new order at once, and only once, when the CA does not know the stored one', async () => {
    const { follow, run, performed } = scene;
    const result = await run([
      follow('choose-ca', async () => ({ kind: 'done', next: 'finalize-order' })),
      follow('finalize-order', async () => {
        throw failure('order-missing');
      }),
    ]);
    expect(performed).toEqual(['choose-ca resumed', 'finalize-order', 'choose-ca', 'finalize-order']);
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'order-missing' } });
  });

  it('repeats a step at once, and only once, when its account’s key was changed meanwhile', async () => {
    const { follow, run, performed } = scene;
    const refused = follow('choose-ca', async () => {
      throw failure('account-key-changed');
    });
    expect(await run([refused])).toMatchObject({ kind: 'failed', failure: { code: 'account-key-changed' } });
    expect(performed).toHaveLength(2);
  });

  it('asks for redelivery when its state cannot be stored', async () => {
    const { follow, run } = scene;
    const broken = follow('choose-ca', async () => {
      throw failure('store-unavailable');
    });
    await expect(run([broken])).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('touches nothing more once another worker has taken it over', async () => {
    const { follow, run, ports } = scene;
    const result = await run([
      follow('choose-ca', async () => {
        await ports.renewals.breakLease(work, noon);
        await ports.renewals.claim(work, { owner: 'other', now: noon, until: daysAfter(noon, 1) });
        return { kind: 'done', next: 'place-order' };
      }),
      follow('place-order'),
    ]);
    expect(result).toEqual({ kind: 'not-claimed' });
    expect(scene.performed).toEqual(['choose-ca resumed']);
  });

  it('ends as superseded when a newer generation is current', async () => {
    const { follow, run, ports, performed } = scene;
    const issued = anIssuedCertificate({ generation: 2 });
    const read = (await ports.certificates.get(name)) ?? aCertificate();
    await ports.certificates.recordIssued({ read, issued, nextActionAt: noon });
    expect(await run([follow('choose-ca')])).toEqual({ kind: 'ended', outcome: 'superseded' });
    expect(performed).toEqual([]);
  });

  it('ends as abandoned when the names changed, and has the certificate looked at again at once', async () => {
    const { follow, run, ports, clock } = scene;
    const policy = aPolicy({ domains: [name, 'example.com'] });
    await ports.certificates.changePolicy({ name, policy, now: daysAfter(noon, 1) });
    expect(await run([follow('choose-ca')])).toEqual({ kind: 'ended', outcome: 'abandoned' });
    expect((await ports.certificates.get(name))?.nextActionAt).toEqual(clock.now());
  });

  it('goes on to deploy what was issued even if the inventory no longer asks for it', async () => {
    const { follow, run, ports } = scene;
    await run([
      follow('choose-ca', async () => ({
        kind: 'wait',
        seconds: 3600,
        reason: '',
        changes: { issued: anIssuedCertificate() },
      })),
    ]);
    await ports.certificates.retire(name);
    scene.clock.advance(3_600_000);
    expect(await run([follow('choose-ca', async () => ({ kind: 'done', next: 'deploy' }))])).toEqual({
      kind: 'handed-over',
      to: 'deploy-certificate',
    });
  });

  it('is left to the worker of its step when a message of an earlier step comes late', async () => {
    const { follow, run, ports } = scene;
    await run([follow('choose-ca', async () => ({ kind: 'done', next: 'verify' }))]);
    ports.queue.take('verify-certificate');
    const before = await stored();
    expect(await run([follow('choose-ca')])).toEqual({ kind: 'not-claimed' });
    expect(await stored()).toEqual(before);
    expect(ports.queue.take('verify-certificate')).toEqual([]);
  });

  it('is not stored between steps that can be repeated', async () => {
    const { follow, run } = scene;
    await run([
      follow('choose-ca'),
      follow('stage-key'),
      follow('reserve-limits', async () => {
        expect(await stored()).toMatchObject({ step: 'choose-ca' });
        return { kind: 'done' };
      }),
      follow('place-order', async () => {
        expect(await stored()).toMatchObject({ step: 'place-order' });
        return { kind: 'done', next: 'deploy' };
      }),
    ]);
  });

  it('repeats them as possibly done when the worker before vanished, and only the first when it let go', async () => {
    const { follow, run, ports, performed, clock } = scene;
    const steps = [
      follow('choose-ca'),
      follow('stage-key'),
      follow('reserve-limits', async () => ({ kind: 'rest', until: clock.now(), reason: 'a limit' })),
    ];
    await ports.renewals.claim(work, { owner: 'vanished', now: noon, until: noon });
    await run(steps);
    expect(performed.splice(0)).toEqual(['choose-ca resumed', 'stage-key resumed', 'reserve-limits resumed']);
    await run([...steps.slice(0, 2), follow('reserve-limits'), follow('place-order')].slice(2));
    expect(performed).toEqual(['reserve-limits resumed', 'place-order']);
  });

  it('makes no effect that must not happen twice once its time is over by the clock', async () => {
    const { follow, run, clock } = scene;
    const frozen = follow('choose-ca', async ({ ensureTime }) => {
      clock.advance(200_000);
      ensureTime();
      return { kind: 'done' };
    });
    expect(await run([frozen])).toMatchObject({ kind: 'failed', failure: { code: 'deadline' } });
  });
});
