import { beforeEach, describe, expect, it } from 'vitest';
import { dueShards } from '../../shared/certificates/due-index.ts';
import type { LeasedRenewal } from '../../shared/renewal/renewal.ts';
import type { RenewalStore } from '../../shared/renewal/store.ts';
import { anIssuedCertificate, aRenewal, daysAfter, noon } from '../support/builders.ts';

const id = { certificateName: 'www.example.com', generation: 1 };
const lease = (owner: string, now = noon) => ({ owner, now, until: new Date(now.getTime() + 60_000) });

export function describeRenewalStoreContract(adapter: string, make: () => Promise<RenewalStore>) {
  describe(`a renewal store (${adapter})`, () => {
    let store: RenewalStore;
    beforeEach(async () => {
      store = await make();
    });
    const claim = async (owner: string, now?: Date): Promise<LeasedRenewal> => {
      const claimed = await store.claim(id, lease(owner, now));
      if (!claimed) throw new Error(`${owner} could not claim`);
      return claimed;
    };
    const findDue = async (until: Date) =>
      (await Promise.all(dueShards.map((shard) => store.findDue({ shard, until, limit: 10 })))).flat();

    it('opens a generation once', async () => {
      expect(await store.open(aRenewal())).toBe(true);
      expect(await store.open(aRenewal({ step: 'deploy' }))).toBe(false);
      expect(await store.get(id)).toEqual(aRenewal());
    });

    it('keeps everything a worker wrote, instants included', async () => {
      await store.open(aRenewal());
      const claimed = await claim('a');
      const order = {
        accountUrl: 'https://ca/acct/1',
        url: 'https://ca/o/1',
        finalizeUrl: 'https://ca/f/1',
        authorizationUrls: ['https://ca/a/1'],
      };
      const written = {
        step: 'verify' as const,
        order,
        stepStartedAt: noon,
        restsUntil: daysAfter(noon, 1),
        quarantinedAt: noon,
        ca: { directoryUrl: 'https://ca/directory', reason: 'the first is out of order', rehearsal: false },
        passedOver: [{ directoryUrl: 'https://first/directory', reason: 'an outage', until: noon }],
        failedNames: { 'dead.example.com': 2 },
        issued: anIssuedCertificate(),
        lastProblem: { code: 'x', message: 'y', at: noon, step: 'deploy' as const },
        deployedTo: ['file:/etc/ssl'],
        warnings: ['w'],
        attempts: 2,
      };
      await store.release({ ...claimed, ...written });
      expect(await store.get(id)).toEqual(aRenewal(written));
    });

    it('is claimed by nobody while it is paused, until a person wakes it', async () => {
      await store.open(aRenewal());
      const { nextActionAt: _, ...claimed } = await claim('a');
      await store.release({ ...claimed, pausedAt: noon, quarantinedAt: noon, restsUntil: noon });
      expect(await findDue(daysAfter(noon, 400))).toEqual([]);
      expect(await store.claim(id, lease('b', daysAfter(noon, 400)))).toBeUndefined();
      await store.wake(id, daysAfter(noon, 1));
      expect(await store.get(id)).toEqual(aRenewal({ nextActionAt: daysAfter(noon, 1) }));
      expect(await findDue(daysAfter(noon, 1))).toHaveLength(1);
      await claim('b', daysAfter(noon, 1));
    });

    it('leaves a worker its lease when a person wakes the renewal', async () => {
      await store.open(aRenewal());
      const claimed = await claim('a');
      await store.wake(id, noon);
      expect(await store.claim(id, lease('b'))).toBeUndefined();
      await store.save({ ...claimed, step: 'deploy' });
    });

    it('tells a claimant whether the worker before let go or vanished', async () => {
      await store.open(aRenewal());
      const first = await claim('a');
      expect(first.lease.takenOver).toBe(false);
      expect((await claim('b', daysAfter(noon, 1))).lease.takenOver).toBe(true);
      await store.breakLease(id, daysAfter(noon, 2));
      const third = await claim('c', daysAfter(noon, 2));
      expect(third.lease.takenOver).toBe(true);
      await store.release(third);
      expect((await claim('d', daysAfter(noon, 3))).lease.takenOver).toBe(false);
    });

    it('gives the lease to one of many claimants', async () => {
      await store.open(aRenewal());
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, worker) => store.claim(id, lease(`w${worker}`))),
      );
      expect(claims.filter((claimed) => claimed !== undefined)).toHaveLength(1);
    });

    it('lets a lease be taken over once it has expired, and refuses the late owner every write', async () => {
      await store.open(aRenewal());
      const late = await claim('late');
      expect(await store.claim(id, lease('early', new Date(noon.getTime() + 59_000)))).toBeUndefined();
      const next = await claim('next', new Date(noon.getTime() + 60_000));
      expect(next.lease.fence).toBeGreaterThan(late.lease.fence);
      await expect(store.save({ ...late, step: 'deploy' })).rejects.toMatchObject({ code: 'lease-lost' });
      await expect(store.release({ ...late, step: 'deploy' })).rejects.toMatchObject({ code: 'lease-lost' });
      await store.save({ ...next, step: 'place-order' });
      expect(await store.get(id)).toMatchObject({ step: 'place-order' });
    });

    it('is not claimed while it rests, however often it is sent, and a moment early counts as rested', async () => {
      await store.open(aRenewal({ restsUntil: daysAfter(noon, 1) }));
      expect(
        await store.claim(id, lease('a', new Date(daysAfter(noon, 1).getTime() - 6000))),
      ).toBeUndefined();
      expect(await store.claim(id, lease('b', new Date(daysAfter(noon, 1).getTime() - 4000)))).toBeDefined();
    });

    it('answers a claim that was repeated by its own owner', async () => {
      await store.open(aRenewal());
      const first = await claim('a');
      expect((await claim('a')).lease.fence).toBeGreaterThan(first.lease.fence);
    });

    it('rests no longer when its lease is broken', async () => {
      await store.open(aRenewal({ restsUntil: daysAfter(noon, 1) }));
      await store.breakLease(id, noon);
      expect((await claim('a')).restsUntil).toBeUndefined();
    });

    it('keeps the lease on save and ends it on release', async () => {
      await store.open(aRenewal());
      await store.save(await claim('a'));
      expect(await store.claim(id, lease('b'))).toBeUndefined();
      await store.breakLease(id, noon);
      await store.release(await claim('b'));
      expect(await store.claim(id, lease('c'))).toBeDefined();
    });

    it('ends for good when released with an outcome', async () => {
      await store.open(aRenewal());
      const { nextActionAt: _, ...claimed } = await claim('a');
      await store.release({ ...claimed, outcome: 'renewed' });
      expect(await store.claim(id, lease('b', daysAfter(noon, 9)))).toBeUndefined();
      expect(await findDue(daysAfter(noon, 999))).toEqual([]);
      expect(await store.get(id)).toMatchObject({ outcome: 'renewed' });
    });

    it('finds open renewals by their time and moves it for the one caller that saw it unchanged', async () => {
      await store.open(aRenewal());
      expect(await findDue(daysAfter(noon, -1))).toEqual([]);
      expect(await findDue(noon)).toEqual([{ ...id, step: 'choose-ca', nextActionAt: noon }]);
      const change = { id, expectedAt: noon, nextActionAt: daysAfter(noon, 1) };
      expect((await Promise.all([store.postpone(change), store.postpone(change)])).toSorted()).toEqual([
        false,
        true,
      ]);
      expect(await findDue(noon)).toEqual([]);
    });

    it('makes a renewal due and claimable when its lease is broken, and fences its owner off', async () => {
      await store.open(aRenewal({ nextActionAt: daysAfter(noon, 1) }));
      const gone = await claim('gone');
      await store.breakLease(id, noon);
      expect(await findDue(noon)).toHaveLength(1);
      await claim('next');
      await expect(store.save(gone)).rejects.toMatchObject({ code: 'lease-lost' });
    });
  });
}
