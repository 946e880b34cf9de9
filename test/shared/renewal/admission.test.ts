import { describe, expect, it } from 'vitest';
import { decideAdmission } from '../../../shared/renewal/admission.ts';
import { aCertificate, anIssuedCertificate, aPolicy, aRenewal, noon } from '../../support/builders.ts';

const unissued = () => {
  const { current: _, ...certificate } = aCertificate();
  return certificate;
};
const order = {
  url: 'https://ca/o',
  accountUrl: 'https://ca/a',
  finalizeUrl: 'https://ca/f',
  authorizationUrls: [],
};

describe('a claimed renewal', () => {
  it('goes on while its certificate wants what it is for', () => {
    expect(decideAdmission(aRenewal(), unissued(), noon)).toMatchObject({ kind: 'go-on' });
  });

  it.each([
    ['retired', { state: 'retired' as const }],
    ['wanting other names', { policy: aPolicy({ domains: ['www.example.com', 'example.com'] }) }],
    ['wanting another key type', { policy: aPolicy({ keyType: 'rsa-2048' }) }],
  ])('is abandoned when its certificate is %s, unless it has issued', (_, change) => {
    const certificate = { ...unissued(), ...change };
    expect(decideAdmission(aRenewal({ order }), certificate, noon)).toEqual({
      kind: 'end',
      outcome: 'abandoned',
    });
    const issued = anIssuedCertificate();
    expect(decideAdmission(aRenewal({ issued, step: 'deploy' }), certificate, noon).kind).toBe('go-on');
  });

  it('is abandoned before it orders when its certificate is not due any more', () => {
    expect(decideAdmission(aRenewal({ generation: 2 }), aCertificate(), noon)).toEqual({
      kind: 'end',
      outcome: 'abandoned',
    });
    expect(decideAdmission(aRenewal({ generation: 2, order }), aCertificate(), noon).kind).toBe('go-on');
  });

  it('is superseded by a newer generation, even one that has issued', () => {
    const certificate = aCertificate({ current: anIssuedCertificate({ generation: 2 }) });
    const renewal = aRenewal({ issued: anIssuedCertificate(), step: 'deploy' });
    expect(decideAdmission(renewal, certificate, noon)).toEqual({ kind: 'end', outcome: 'superseded' });
  });

  it('takes over what the inventory corrected, and keeps its names in their order', () => {
    const policy = aPolicy({ domains: ['b.example.com', 'a.example.com'] });
    const corrected = aPolicy({
      domains: ['a.example.com', 'b.example.com'],
      challenge: 'dns-01',
      dnsPlugin: 'rfc2136',
      endpoints: ['a.example.com:8443'],
    });
    const admission = decideAdmission(aRenewal({ policy }), { ...unissued(), policy: corrected }, noon);
    expect(admission).toEqual({
      kind: 'go-on',
      changes: { policy: { ...corrected, domains: policy.domains } },
    });
  });

  it.each(['present-challenges', 'answer-challenges'] as const)(
    'chooses its challenges anew at %s when another way of proof is wanted',
    (step) => {
      const certificate = { ...unissued(), policy: aPolicy({ challenge: 'tls-alpn-01' }) };
      expect(decideAdmission(aRenewal({ step, order }), certificate, noon)).toMatchObject({
        changes: { step: 'select-challenges' },
      });
    },
  );

  it('leaves an answered challenge alone, whatever is wanted now', () => {
    const certificate = { ...unissued(), policy: aPolicy({ challenge: 'tls-alpn-01' }) };
    const admission = decideAdmission(aRenewal({ step: 'await-validation', order }), certificate, noon);
    expect(admission).toMatchObject({
      kind: 'go-on',
      changes: expect.not.objectContaining({ step: expect.anything() }),
    });
  });
});
