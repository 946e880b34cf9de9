import { describe, expect, it } from 'vitest';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import { rankAuthorities } from '../../../shared/renewal/authorities.ts';
import { type CaSituation, decideCa, decidePatience } from '../../../shared/renewal/decide-ca.ts';
import { aCertificate, anIssuedCertificate, aPolicy, daysAfter, noon } from '../../support/builders.ts';

const letsEncrypt = findAuthority('lets-encrypt');
const google = findAuthority('google-trust-services');
const actalis = findAuthority('actalis');

const decide = (changes: Partial<CaSituation> = {}) =>
  decideCa({
    preferred: [letsEncrypt, google],
    wanted: aPolicy(),
    passedOver: [],
    openUntil: new Map(),
    now: noon,
    ...changes,
  });
const passing = (authority: typeof letsEncrypt, until: Date) => ({
  directoryUrl: authority.directoryUrl,
  reason: 'CAA forbids it',
  until,
});

describe('the CA of a renewal', () => {
  it('is the first choice, with no reason to give', () => {
    expect(decide()).toEqual({ kind: 'chosen', authority: letsEncrypt, reason: undefined });
  });

  it('is the next one while the first is passed over, and says why', () => {
    const passedOver = [passing(letsEncrypt, daysAfter(noon, 1))];
    expect(decide({ passedOver })).toEqual({
      kind: 'chosen',
      authority: google,
      reason: `${letsEncrypt.name}: CAA forbids it`,
    });
  });

  it('is the first choice again when the time of passing over is past', () => {
    expect(decide({ passedOver: [passing(letsEncrypt, noon)] })).toMatchObject({ authority: letsEncrypt });
  });

  it('is the next one while the circuit of the first is open', () => {
    const until = daysAfter(noon, 0.01);
    const openUntil = new Map([[letsEncrypt.directoryUrl, { until, reason: 'it is out of order' }]]);
    expect(decide({ openUntil })).toMatchObject({ authority: google });
    expect(decide({ openUntil, now: until })).toMatchObject({ authority: letsEncrypt });
  });

  it.each([
    ['a wildcard', { domains: ['*.example.com'] }],
    ['more names than it takes', { domains: ['a.example.com', 'b.example.com', 'c.example.com'] }],
    ['a profile', { profile: 'shortlived' }],
  ])('is the next one when the first does not support %s', (_, wanted) => {
    const decision = decide({ preferred: [actalis, letsEncrypt], wanted: aPolicy(wanted) });
    expect(decision).toMatchObject({ kind: 'chosen', authority: letsEncrypt });
  });

  it('is none until the first of them frees, or for good where none can issue', () => {
    const passedOver = [passing(letsEncrypt, daysAfter(noon, 2)), passing(google, daysAfter(noon, 1))];
    expect(decide({ passedOver })).toMatchObject({ kind: 'none', freeAt: daysAfter(noon, 1) });
    const wanted = aPolicy({ domains: ['*.example.com'] });
    expect(decide({ preferred: [actalis], wanted })).toMatchObject({ kind: 'none', freeAt: undefined });
  });

  it('is no directory that neither catalogue nor deployment names, whatever the inventory says', () => {
    const inner = 'https://10.0.0.1/directory';
    expect(() => rankAuthorities({ preferred: [letsEncrypt] }, inner)).toThrow(/ACME_FALLBACKS/);
    const ours = findAuthority(inner);
    expect(rankAuthorities({ preferred: [letsEncrypt, ours] }, inner)[0]).toEqual(ours);
  });

  it('begins with the certificate’s own choice, before the deployment’s', () => {
    const ranked = rankAuthorities({ preferred: [letsEncrypt, google] }, 'google-trust-services');
    expect(ranked.map(({ id }) => id)).toEqual(['google-trust-services', 'lets-encrypt']);
    expect(rankAuthorities({ preferred: [letsEncrypt] }, undefined)).toEqual([letsEncrypt]);
  });
});

describe('the patience with a limited CA', () => {
  it('is half of what is left of the certificate being served', () => {
    const current = anIssuedCertificate({ notAfter: daysAfter(noon, 30) });
    expect(decidePatience(aCertificate({ current }), noon)).toEqual(daysAfter(noon, 15));
  });

  it('is six hours for names that have none, and none for one that has expired', () => {
    expect(decidePatience(undefined, noon)).toEqual(daysAfter(noon, 0.25));
    const current = anIssuedCertificate({ notAfter: noon });
    expect(decidePatience(aCertificate({ current }), noon)).toEqual(noon);
  });
});
