import { describe, expect, it } from 'vitest';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import {
  decideAfterValidation,
  findFailoverReason,
  ValidationFailed,
} from '../../../shared/renewal/recovery.ts';
import { aPolicy, aRenewal } from '../../support/builders.ts';
import { failure } from './runner-scene.ts';

const letsEncrypt = findAuthority('lets-encrypt');
const zerossl = findAuthority('zerossl');
const failedFor = (names: string[], problemTypes = ['connection']) =>
  new ValidationFailed('no answer', { names, problemTypes });

describe('after a failure another CA', () => {
  it.each([
    'acme-caa',
    'acme-paused',
    'acme-rejectedIdentifier',
    'acme-invalidProfile',
    'challenge-not-offered',
  ])('is worth asking for %s', (code) => {
    expect(findFailoverReason(aRenewal(), failure(code))?.reason).toBeTruthy();
  });

  it('is worth asking when CAA was what failed the validation, and not when the proof was', () => {
    expect(findFailoverReason(aRenewal(), failedFor(['a'], ['caa']))?.reason).toContain('CAA');
    expect(findFailoverReason(aRenewal(), failedFor(['a']))).toBeUndefined();
  });

  it('is worth asking from the second failure of an outage on', () => {
    expect(findFailoverReason(aRenewal(), failure('ca-unreachable'))).toBeUndefined();
    expect(findFailoverReason(aRenewal({ attempts: 1 }), failure('ca-unreachable'))).toBeDefined();
  });

  it('is not asked while this one may be issuing, whatever the outage', () => {
    const renewal = aRenewal({ attempts: 5, step: 'finalize-order' });
    expect(findFailoverReason(renewal, failure('ca-unreachable'))).toBeUndefined();
  });
});

describe('after a failed validation', () => {
  const policy = aPolicy({ domains: ['a.example.com', 'dead.example.com'] });

  it('the next attempt is rehearsed where the CA has a staging one', () => {
    const failed = failedFor(['dead.example.com']);
    expect(decideAfterValidation(aRenewal({ policy }), failed, letsEncrypt)).toMatchObject({
      rehearse: true,
    });
    expect(decideAfterValidation(aRenewal({ policy }), failed, zerossl)).toMatchObject({ rehearse: false });
  });

  it('a name that failed twice is left out where the policy allows, and only there', () => {
    const failed = failedFor(['dead.example.com']);
    const splitting = aRenewal({ policy: { ...policy, splitFailingNames: true } });
    const once = decideAfterValidation(splitting, failed, zerossl);
    expect(once).toMatchObject({ failedNames: { 'dead.example.com': 1 }, leftOut: [] });
    const twice = decideAfterValidation({ ...splitting, ...once }, failed, zerossl);
    expect(twice.leftOut).toEqual(['dead.example.com']);
    const keeping = aRenewal({ policy, failedNames: { 'dead.example.com': 5 } });
    expect(decideAfterValidation(keeping, failed, zerossl).leftOut).toEqual([]);
  });

  it('no name is left out when none would remain', () => {
    const failedNames = { 'a.example.com': 1, 'dead.example.com': 1 };
    const renewal = aRenewal({ policy: { ...policy, splitFailingNames: true }, failedNames });
    const failed = failedFor(['a.example.com', 'dead.example.com']);
    expect(decideAfterValidation(renewal, failed, zerossl).leftOut).toEqual([]);
  });
});
