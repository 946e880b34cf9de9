import { describe, expect, it } from 'vitest';
import { checkIssuedChain } from '../../../shared/acme/issued-chain.ts';
import type { RenewalAdvice } from '../../../shared/certificates/certificate.ts';
import {
  chooseNextLook,
  chooseRenewalTime,
  findDueReason,
  isPollDue,
} from '../../../shared/certificates/due.ts';
import { aCertificate, anIssuedCertificate, aPolicy, daysAfter, noon } from '../../support/builders.ts';
import { createTestCa } from '../../support/test-ca.ts';

const at = (days: number) => ({
  now: daysAfter(noon, days),
  nextTickAt: new Date(daysAfter(noon, days).getTime() + 60_000),
});

const issuedBy = {
  directoryUrl: 'https://ca.example/directory',
  accountUrl: 'https://ca.example/account/1',
  certificateId: 'aki.serial',
};
/** Renewal without advice would be at day 60 of 90. */
const announced = anIssuedCertificate({ issuedBy });
const anAdvice = (changes: Partial<RenewalAdvice> = {}): RenewalAdvice => ({
  certificateId: 'aki.serial',
  window: { start: daysAfter(noon, 50), end: daysAfter(noon, 52) },
  renewAt: daysAfter(noon, 51),
  nextPollAt: daysAfter(noon, 0.25),
  failures: 0,
  ...changes,
});

describe('the time of renewal', () => {
  it.each([
    ['90 days', 90, 60],
    ['64 days', 64, 42.6666667],
    ['45 days', 45, 30],
    ['10 days', 10, 6.6666667],
    ['160 hours', 160 / 24, 160 / 48],
  ])('of a lifetime of %s comes at a share of it', (_, lifetime, renewAfter) => {
    const issued = anIssuedCertificate({ notAfter: daysAfter(noon, lifetime) });
    const time = chooseRenewalTime(issued, {});
    expect((time.getTime() - noon.getTime()) / 86_400_000).toBeCloseTo(renewAfter, 5);
  });

  it('follows renewDaysBefore', () => {
    expect(chooseRenewalTime(anIssuedCertificate(), { renewDaysBefore: 14 })).toEqual(daysAfter(noon, 76));
  });

  it('never falls into the first third of the lifetime, however long before expiry is asked for', () => {
    const issued = anIssuedCertificate({ notAfter: daysAfter(noon, 6) });
    expect(chooseRenewalTime(issued, { renewDaysBefore: 30 })).toEqual(daysAfter(noon, 2));
  });

  it.each([
    ['the instant drawn from the window', 51, undefined, 51],
    ['an instant in the past, when the certificate is to be revoked', -1, undefined, -1],
    ['an instant later than the usual time', 65, undefined, 65],
    ['half of the usual share at the latest', 80, undefined, 75],
    ['an earlier override', 51, 45, 45],
    ['no later override', 51, 10, 51],
    ['no override beyond the backstop', 80, 5, 75],
  ])('with advice is %s', (_, renewDay, renewDaysBefore, expectedDay) => {
    const advice = anAdvice({ renewAt: daysAfter(noon, renewDay) });
    expect(chooseRenewalTime(announced, { renewDaysBefore }, advice)).toEqual(daysAfter(noon, expectedDay));
  });

  it('keeps back a quarter of a lifetime under ten days, however late the window', () => {
    const short = anIssuedCertificate({ issuedBy, notAfter: daysAfter(noon, 6) });
    const late = anAdvice({ renewAt: daysAfter(noon, 5.9) });
    expect(chooseRenewalTime(short, {}, late)).toEqual(daysAfter(noon, 4.5));
  });

  it('takes no advice about another certificate, nor any that holds no instant yet', () => {
    const usual = daysAfter(noon, 60);
    expect(chooseRenewalTime(announced, {}, anAdvice({ certificateId: 'other.serial' }))).toEqual(usual);
    expect(chooseRenewalTime(anIssuedCertificate(), {}, anAdvice())).toEqual(usual);
    expect(chooseRenewalTime(announced, {}, anAdvice({ renewAt: undefined }))).toEqual(usual);
  });

  it('F4: comes from the dates of the leaf alone, never from an order that ends in a week', async () => {
    const ca = await createTestCa();
    const notBefore = daysAfter(new Date(new Date().setMilliseconds(0)), -8);
    const notAfter = daysAfter(notBefore, 90);
    const { fullchainPem, privateKeyPem } = await ca.issue({
      domains: ['www.example.com'],
      notBefore,
      notAfter,
    });
    const now = daysAfter(notBefore, 8);
    const leaf = checkIssuedChain(fullchainPem, { domains: ['www.example.com'], privateKeyPem, now });
    const certificate = aCertificate({ current: { ...leaf, generation: 1, keyType: 'ecdsa-p256' } });
    expect(chooseRenewalTime(leaf, {})).toEqual(daysAfter(notBefore, 60));
    expect(findDueReason(certificate, { now, nextTickAt: daysAfter(now, 0.001) })).toBeUndefined();
  });

  describe('F25: a clock that is a day wrong', () => {
    const fleet = Array.from({ length: 1000 }, (_, index) => {
      // Evenly issued over the sixty days a certificate waits, backdated by an hour as Boulder does.
      const notBefore = daysAfter(noon, -(index * 60) / 1000 - 1 / 24);
      return aCertificate({
        current: anIssuedCertificate({ notBefore, notAfter: daysAfter(notBefore, 90) }),
      });
    });
    const dueAt = (days: number) => fleet.filter((one) => findDueReason(one, at(days)));

    it('ahead brings forward what is due within that day alone, not the fleet', () => {
      const early = dueAt(1).filter((one) => !dueAt(0).includes(one));
      expect(early.length).toBeGreaterThan(0);
      expect(early.length).toBeLessThanOrEqual(1000 / 60 + 1);
    });

    it('ahead or behind makes nothing due that was just issued, short-lived or not yet valid', () => {
      for (const lifetime of [160 / 24, 45, 90]) {
        for (const skew of [-1, 1]) {
          const fresh = anIssuedCertificate({ notAfter: daysAfter(noon, lifetime) });
          expect(findDueReason(aCertificate({ current: fresh }), at(skew))).toBeUndefined();
        }
      }
    });

    it('does not move the time of renewal itself', () => {
      const times = fleet.map(({ current, policy }) => current && chooseRenewalTime(current, policy));
      const expected = fleet.map(({ current }) => current && daysAfter(current.notBefore, 60));
      expect(times).toEqual(expected);
    });
  });
});

describe('a certificate is due', () => {
  it('when none was issued yet', () => {
    const { current: _, ...unissued } = aCertificate();
    expect(findDueReason(unissued, at(0))?.code).toBe('missing');
  });

  it('when its names changed, in whatever order they stand', () => {
    const reordered = aCertificate({
      policy: aPolicy({ domains: ['b.example.com', 'a.example.com'] }),
      current: anIssuedCertificate({ domains: ['a.example.com', 'b.example.com'] }),
    });
    expect(findDueReason(reordered, at(0))).toBeUndefined();
    const changed = aCertificate({ policy: aPolicy({ domains: ['www.example.com', 'example.com'] }) });
    expect(findDueReason(changed, at(0))).toMatchObject({
      code: 'names-changed',
      message: 'names changed to www.example.com, example.com',
    });
  });

  it('when its names changed beyond those that were left out of it', () => {
    const current = anIssuedCertificate({
      domains: ['a.example.com'],
      leftOut: ['dead.example.com'],
    });
    const wanting = (...domains: string[]) => aCertificate({ policy: aPolicy({ domains }), current });
    expect(findDueReason(wanting('a.example.com', 'dead.example.com'), at(0))).toBeUndefined();
    // Taking the dead name out of the inventory changes nothing about the certificate.
    expect(findDueReason(wanting('a.example.com'), at(0))).toBeUndefined();
    expect(findDueReason(wanting('a.example.com', 'dead.example.com', 'b.example.com'), at(0))?.code).toBe(
      'names-changed',
    );
    expect(findDueReason(wanting('dead.example.com'), at(0))?.code).toBe('names-changed');
  });

  it('when another profile is wanted than it has, where both are known', () => {
    const having = (profile: string | undefined, wanted: string | undefined) =>
      findDueReason(
        aCertificate({
          policy: aPolicy({ profile: wanted }),
          current: anIssuedCertificate({ issuedBy: { ...issuedBy, profile } }),
        }),
        at(0),
      );
    expect(having('classic', 'shortlived')).toEqual({
      code: 'profile-changed',
      message: 'profile changed from classic to shortlived',
    });
    expect(having('classic', 'classic')).toBeUndefined();
    expect(having('classic', undefined)).toBeUndefined();
    expect(having(undefined, 'shortlived')).toBeUndefined();
  });

  it('when the time its CA announced comes before the next tick, telling the window and why', () => {
    const advice = anAdvice({ explanationUrl: 'https://ca.example/incident' });
    const certificate = aCertificate({ current: announced, advice });
    expect(findDueReason(certificate, at(50.99))).toBeUndefined();
    const lastTick = { now: daysAfter(noon, 50.9999), nextTickAt: daysAfter(noon, 51.0001) };
    expect(findDueReason(certificate, lastTick)).toEqual({
      code: 'announced',
      message:
        'the CA asks for renewal from 2027-01-10T12:00:00.000Z to 2027-01-12T12:00:00.000Z, chosen was 2027-01-11T12:00:00.000Z; the CA explains: https://ca.example/incident',
    });
  });

  it('as expiring where an override or the backstop comes before what was announced', () => {
    const late = aCertificate({ current: announced, advice: anAdvice({ renewAt: daysAfter(noon, 85) }) });
    expect(findDueReason(late, at(74.9))).toBeUndefined();
    expect(findDueReason(late, at(75))?.code).toBe('expiring');
  });

  it('when its key type changed', () => {
    const changed = aCertificate({ policy: aPolicy({ keyType: 'rsa-2048' }) });
    expect(findDueReason(changed, at(0))?.code).toBe('key-type-changed');
  });

  it('when its time comes before the next tick, and not earlier', () => {
    expect(findDueReason(aCertificate(), at(59.99))).toBeUndefined();
    const lastTick = {
      now: new Date(daysAfter(noon, 60).getTime() - 59_000),
      nextTickAt: new Date(daysAfter(noon, 60).getTime() + 1000),
    };
    expect(findDueReason(aCertificate(), lastTick)?.code).toBe('expiring');
  });

  it('never when it is retired', () => {
    expect(findDueReason(aCertificate({ state: 'retired' }), at(89))).toBeUndefined();
  });
});

describe('the CA is asked when to renew', () => {
  const current = announced;
  const tick = daysAfter(noon, 1);

  it('where it was never asked about this certificate, or the time to ask again comes before the next tick', () => {
    expect(isPollDue(aCertificate({ current }), tick)).toBe(true);
    const later = (days: number) =>
      aCertificate({ current, advice: anAdvice({ nextPollAt: daysAfter(noon, days) }) });
    expect(isPollDue(later(0.99), tick)).toBe(true);
    expect(isPollDue(later(1), tick)).toBe(false);
  });

  it('never about one that is retired, expired, or has no identifier', () => {
    expect(isPollDue(aCertificate({ current, state: 'retired' }), tick)).toBe(false);
    expect(isPollDue(aCertificate({ current }), current.notAfter)).toBe(false);
    expect(isPollDue(aCertificate(), tick)).toBe(false);
    expect(isPollDue(aCertificate({ current: undefined }), tick)).toBe(false);
  });

  it('F12: about the certificate of the CA it is from now, whatever was said about the one before', () => {
    const switched = anIssuedCertificate({
      issuedBy: {
        ...issuedBy,
        directoryUrl: 'https://other.example/directory',
        certificateId: 'other.serial',
      },
    });
    const advice = anAdvice({ renewAt: noon, nextPollAt: daysAfter(noon, 9) });
    const certificate = aCertificate({ current: switched, advice });
    expect(isPollDue(certificate, tick)).toBe(true);
    expect(findDueReason(certificate, at(1))).toBeUndefined();
  });
});

describe('the scheduler looks next', () => {
  const look = (changes: Parameters<typeof aCertificate>[0]) => chooseNextLook(aCertificate(changes));

  it('at the time of renewal where the CA is not to be asked', () => {
    expect(look({})).toEqual(daysAfter(noon, 60));
  });

  it('at the earlier of the time of renewal and of the next question', () => {
    expect(look({ current: announced, advice: anAdvice() })).toEqual(daysAfter(noon, 0.25));
    const advice = anAdvice({ nextPollAt: daysAfter(noon, 55) });
    expect(look({ current: announced, advice })).toEqual(daysAfter(noon, 51));
  });

  it('at once where the CA was never asked, and keeps its time where nothing was issued', () => {
    expect(look({ current: announced }).getTime()).toBeLessThanOrEqual(noon.getTime());
    expect(look({ current: undefined, nextActionAt: daysAfter(noon, 3) })).toEqual(daysAfter(noon, 3));
  });

  it('at its place in the plan and not before', () => {
    const plannedAt = daysAfter(noon, 57);
    expect(look({ current: announced, advice: anAdvice(), plannedAt })).toEqual(plannedAt);
    expect(look({ current: undefined, plannedAt })).toEqual(plannedAt);
  });
});
