import { describe, expect, it } from 'vitest';
import { chooseRenewalTime, findDueReason } from '../../../shared/certificates/due.ts';
import { aCertificate, anIssuedCertificate, aPolicy, daysAfter, noon } from '../../support/builders.ts';

const at = (days: number) => ({
  now: daysAfter(noon, days),
  nextTickAt: new Date(daysAfter(noon, days).getTime() + 60_000),
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
