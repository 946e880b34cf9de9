import { describe, expect, it } from 'vitest';
import { isOutage, openUntil } from '../../../shared/renewal/circuit.ts';
import { noon } from '../../support/builders.ts';

const after = (failures: number) => {
  const until = openUntil({ failures, lastFailureAt: noon, reason: 'ca-unreachable' });
  return until && (until.getTime() - noon.getTime()) / 1000;
};

describe('a circuit', () => {
  it('stays closed for failures that may be chance', () => {
    expect(openUntil(undefined)).toBeUndefined();
    expect(after(4)).toBeUndefined();
  });

  it('opens for a minute, doubling up to an hour', () => {
    expect([5, 6, 7, 10, 11, 1000].map(after)).toEqual([60, 120, 240, 1920, 3600, 3600]);
  });

  it.each([
    ['ca-unreachable', true],
    ['ca-untrusted', true],
    ['acme-serverInternal', true],
    ['acme-http-503', true],
    ['acme-rateLimited', false],
    ['validation-failed', false],
    ['acme-http-404', false],
  ])('takes %s for an outage: %s', (code, outage) => {
    expect(isOutage(code)).toBe(outage);
  });
});
