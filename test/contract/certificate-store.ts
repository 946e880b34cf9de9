import { beforeEach, describe, expect, it } from 'vitest';
import type { RenewalAdvice } from '../../shared/certificates/certificate.ts';
import { dueShardOf, dueShards } from '../../shared/certificates/due-index.ts';
import type { CertificateStore } from '../../shared/certificates/store.ts';
import { anIssuedCertificate, aPolicy, daysAfter, noon } from '../support/builders.ts';

const name = 'www.example.com';
const policy = aPolicy();
const issuedBy = {
  directoryUrl: 'https://ca.example/directory',
  accountUrl: 'https://ca.example/account/1',
  certificateId: 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE',
  profile: 'classic',
};
const advice: RenewalAdvice = {
  certificateId: issuedBy.certificateId,
  window: { start: daysAfter(noon, 58), end: daysAfter(noon, 60) },
  renewAt: daysAfter(noon, 59),
  explanationUrl: 'https://ca.example/incident',
  nextPollAt: daysAfter(noon, 0.25),
  failures: 0,
};

export function describeCertificateStoreContract(adapter: string, make: () => Promise<CertificateStore>) {
  describe(`a certificate store (${adapter})`, () => {
    let store: CertificateStore;
    beforeEach(async () => {
      store = await make();
    });
    const findDue = async (until: Date) =>
      (await Promise.all(dueShards.map((shard) => store.findDue({ shard, until, limit: 100 })))).flat();

    it('tracks a name once and has it due at once', async () => {
      expect(await store.track({ name, policy, now: noon })).toBe(true);
      expect(await store.track({ name, policy: aPolicy({ keyType: 'rsa-2048' }), now: noon })).toBe(false);
      expect(await store.get(name)).toEqual({
        name,
        policy,
        state: 'tracked',
        generation: 0,
        nextActionAt: noon,
      });
      expect(await findDue(noon)).toHaveLength(1);
      expect(await findDue(daysAfter(noon, -1))).toHaveLength(0);
    });

    it('answers undefined for a name it never saw', async () => {
      expect(await store.get('unknown.example.com')).toBeUndefined();
    });

    it('finds what is due in its own shard, oldest first, no more than asked for', async () => {
      const sameShard = Array.from({ length: 200 }, (_, index) => `h${index}.example.com`).filter(
        (host) => dueShardOf(host) === dueShardOf(name),
      );
      for (const [index, host] of sameShard.entries()) {
        await store.track({ name: host, policy, now: daysAfter(noon, -index) });
      }
      const found = await store.findDue({ shard: dueShardOf(name), until: noon, limit: 3 });
      expect(found.map((one) => one.name)).toEqual(sameShard.toReversed().slice(0, 3));
    });

    it('moves nextActionAt for the one caller that saw it unchanged', async () => {
      await store.track({ name, policy, now: noon });
      const change = { name, expectedAt: noon, nextActionAt: daysAfter(noon, 1) };
      const moves = await Promise.all([store.postpone({ ...change, generation: 1 }), store.postpone(change)]);
      expect(moves.toSorted()).toEqual([false, true]);
      expect((await store.get(name))?.nextActionAt).toEqual(daysAfter(noon, 1));
    });

    it('opens a generation in the write that moves nextActionAt', async () => {
      await store.track({ name, policy, now: noon });
      await store.postpone({ name, expectedAt: noon, nextActionAt: daysAfter(noon, 1), generation: 1 });
      expect(await store.get(name)).toMatchObject({ generation: 1, nextActionAt: daysAfter(noon, 1) });
    });

    const read = async () => {
      const certificate = await store.get(name);
      if (!certificate) throw new Error(`${name} is not there`);
      return certificate;
    };

    it('records an issued certificate, and never an older generation over a newer one', async () => {
      await store.track({ name, policy, now: noon });
      const second = anIssuedCertificate({ generation: 2, serial: '02' });
      const nextActionAt = daysAfter(noon, 60);
      expect(await store.recordIssued({ read: await read(), issued: second, nextActionAt })).toBe(true);
      const first = anIssuedCertificate();
      expect(await store.recordIssued({ read: await read(), issued: first, nextActionAt: noon })).toBe(false);
      expect(await store.get(name)).toMatchObject({ current: second, generation: 2, nextActionAt });
    });

    it('records nothing over a certificate that changed since it was read', async () => {
      await store.track({ name, policy, now: noon });
      const before = await read();
      const changed = aPolicy({ domains: [name, 'example.com'] });
      await store.changePolicy({ name, policy: changed, now: daysAfter(noon, 1) });
      const issued = anIssuedCertificate();
      expect(await store.recordIssued({ read: before, issued, nextActionAt: daysAfter(noon, 60) })).toBe(
        false,
      );
      expect(await store.get(name)).toMatchObject({ policy: changed, nextActionAt: daysAfter(noon, 1) });
    });

    it('never takes the newest generation back when an older one is recorded', async () => {
      await store.track({ name, policy, now: noon });
      await store.postpone({ name, expectedAt: noon, nextActionAt: daysAfter(noon, 1), generation: 3 });
      const issued = anIssuedCertificate({ generation: 2 });
      await store.recordIssued({ read: await read(), issued, nextActionAt: daysAfter(noon, 60) });
      expect(await store.get(name)).toMatchObject({ generation: 3, current: { generation: 2 } });
    });

    it('takes a retired certificate out of the due index and keeps what was issued', async () => {
      await store.track({ name, policy, now: noon });
      await store.recordIssued({ read: await read(), issued: anIssuedCertificate(), nextActionAt: noon });
      await store.retire(name);
      expect(await findDue(daysAfter(noon, 999))).toEqual([]);
      expect(await store.postpone({ name, expectedAt: noon, nextActionAt: noon })).toBe(false);
      expect(await store.get(name)).toMatchObject({ state: 'retired', current: { serial: '0a1b2c' } });
      expect(await store.countTracked()).toBe(0);
    });

    it('brings a retired certificate back with a new policy, due at once', async () => {
      await store.track({ name, policy, now: noon });
      await store.retire(name);
      const changed = aPolicy({ domains: [name, 'example.com'] });
      await store.changePolicy({ name, policy: changed, now: daysAfter(noon, 1) });
      expect(await store.get(name)).toMatchObject({ state: 'tracked', policy: changed });
      expect(await findDue(daysAfter(noon, 1))).toHaveLength(1);
    });

    it('keeps every field of the policy, of the certificate and of the advice about it', async () => {
      const full = aPolicy({
        ca: 'lets-encrypt',
        profile: 'classic',
        preferredChain: 'Some Root',
        splitFailingNames: true,
        renewDaysBefore: 20,
      });
      const issued = anIssuedCertificate({ issuedBy, leftOut: ['gone.example.com'] });
      await store.track({ name, policy: full, now: noon });
      await store.recordIssued({ read: await read(), issued, nextActionAt: daysAfter(noon, 1) });
      const kept = { ...advice, failures: 2, lastProblem: 'no answer within 20 s' };
      const nextActionAt = daysAfter(noon, 2);
      expect(await store.recordAdvice({ read: await read(), advice: kept, nextActionAt })).toBe(true);
      expect(await store.get(name)).toEqual({
        name,
        policy: full,
        state: 'tracked',
        generation: 1,
        current: issued,
        advice: kept,
        nextActionAt,
      });
      expect(await findDue(daysAfter(noon, 1.9))).toEqual([]);
      expect(await findDue(nextActionAt)).toMatchObject([{ advice: kept }]);
    });

    it('keeps the advice of a CA that has not answered yet', async () => {
      await store.track({ name, policy, now: noon });
      const nextActionAt = daysAfter(noon, 1);
      await store.recordIssued({
        read: await read(),
        issued: anIssuedCertificate({ issuedBy }),
        nextActionAt,
      });
      const { certificateId, nextPollAt } = advice;
      const failed = { certificateId, nextPollAt, failures: 1, lastProblem: 'HTTP status 503' };
      expect(await store.recordAdvice({ read: await read(), advice: failed, nextActionAt })).toBe(true);
      expect((await read()).advice).toEqual(failed);
    });

    const recordAdvice = async (before = read()) =>
      store.recordAdvice({ read: await before, advice, nextActionAt: daysAfter(noon, 3) });

    it('records no advice about a certificate that is not the current one', async () => {
      await store.track({ name, policy, now: noon });
      expect(await recordAdvice()).toBe(false);
      const other = anIssuedCertificate({ issuedBy: { ...issuedBy, certificateId: 'other.AQ' } });
      await store.recordIssued({ read: await read(), issued: other, nextActionAt: daysAfter(noon, 1) });
      expect(await recordAdvice()).toBe(false);
      const foreign = anIssuedCertificate({ generation: 2 });
      await store.recordIssued({ read: await read(), issued: foreign, nextActionAt: daysAfter(noon, 1) });
      expect(await recordAdvice()).toBe(false);
      expect(await read()).toMatchObject({ advice: undefined, nextActionAt: daysAfter(noon, 1) });
    });

    it('records no advice over a certificate that changed since it was read, or was retired', async () => {
      await store.track({ name, policy, now: noon });
      const issued = anIssuedCertificate({ issuedBy });
      await store.recordIssued({ read: await read(), issued, nextActionAt: daysAfter(noon, 1) });
      const before = read();
      await before;
      await store.postpone({ name, expectedAt: daysAfter(noon, 1), nextActionAt: daysAfter(noon, 2) });
      expect(await recordAdvice(before)).toBe(false);
      await store.retire(name);
      expect(await recordAdvice()).toBe(false);
      expect(await read()).toMatchObject({ advice: undefined, nextActionAt: daysAfter(noon, 2) });
    });

    it('drops advice and plan with the certificate they were about', async () => {
      await store.track({ name, policy, now: noon });
      const first = anIssuedCertificate({ issuedBy });
      await store.recordIssued({ read: await read(), issued: first, nextActionAt: daysAfter(noon, 1) });
      await recordAdvice();
      const planned = daysAfter(noon, 4);
      const postponed = { name, expectedAt: daysAfter(noon, 3), nextActionAt: planned, plannedAt: planned };
      expect(await store.postpone(postponed)).toBe(true);
      expect(await read()).toMatchObject({ advice, plannedAt: planned });
      const second = anIssuedCertificate({ generation: 2, issuedBy });
      await store.recordIssued({ read: await read(), issued: second, nextActionAt: daysAfter(noon, 60) });
      const after = await read();
      expect(after.current).toEqual(second);
      expect(after.advice).toBeUndefined();
      expect(after.plannedAt).toBeUndefined();
    });

    it('gives, keeps and takes back a place in the plan, and forgets it with the policy it was for', async () => {
      await store.track({ name, policy, now: noon });
      const [first, second, third] = [1, 2, 3].map((days) => daysAfter(noon, days)) as [Date, Date, Date];
      await store.postpone({ name, expectedAt: noon, nextActionAt: first, plannedAt: first });
      await store.postpone({ name, expectedAt: first, nextActionAt: second });
      expect(await read()).toMatchObject({ nextActionAt: second, plannedAt: first });
      await store.postpone({ name, expectedAt: second, nextActionAt: third, plannedAt: null });
      expect((await read()).plannedAt).toBeUndefined();
      await store.postpone({ name, expectedAt: third, nextActionAt: third, plannedAt: third });
      await store.changePolicy({ name, policy: aPolicy({ keyType: 'rsa-2048' }), now: noon });
      expect((await read()).plannedAt).toBeUndefined();
    });

    it('finds as many as it is asked for, however large they are', async () => {
      // Together over the megabyte at which DynamoDB ends a page.
      const domains = Array.from(
        { length: 100 },
        (_, index) => `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.n${index}.example.com`,
      );
      const large = aPolicy({ domains, endpoints: domains });
      const hosts = Array.from({ length: 640 }, (_, index) => `h${index}.example.com`).filter(
        (host) => dueShardOf(host) === dueShardOf(name),
      );
      await Promise.all(hosts.map((host) => store.track({ name: host, policy: large, now: noon })));
      const found = await store.findDue({ shard: dueShardOf(name), until: noon, limit: 1000 });
      expect(found.map((one) => one.name).sort()).toEqual(hosts.sort());
      expect(await store.findDue({ shard: dueShardOf(name), until: noon, limit: 30 })).toHaveLength(30);
    });

    it('lists and counts the fleet and knows when the next one is due', async () => {
      expect(await store.findNextActionAt()).toBeUndefined();
      await store.track({ name: 'b.example.com', policy, now: daysAfter(noon, 2) });
      await store.track({ name: 'a.example.com', policy, now: daysAfter(noon, 1) });
      const names = (await Array.fromAsync(store.list())).map((one) => one.name).sort();
      expect(names).toEqual(['a.example.com', 'b.example.com']);
      expect(await store.countTracked()).toBe(2);
      const inOrder = (await Array.fromAsync(store.list())).map((one) => one.name);
      expect((await Array.fromAsync(store.list(inOrder[0]))).map((one) => one.name)).toEqual(
        inOrder.slice(1),
      );
      expect(await Array.fromAsync(store.list(inOrder[1]))).toEqual([]);
      expect(await store.findNextActionAt()).toEqual(daysAfter(noon, 1));
    });
  });
}
