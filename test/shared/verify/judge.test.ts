import { describe, expect, it } from 'vitest';
import { judgeObservation } from '../../../shared/verify/judge.ts';
import type { ReachedObservation, UnreachedCode } from '../../../shared/verify/observation.ts';

const now = new Date('2026-11-22T12:00:00Z');
const expected = { serial: 'a1', fingerprint: 'f1', host: 'example.com' };
const leaf = {
  serial: 'a1',
  fingerprint: 'f1',
  notBefore: new Date('2026-11-01T12:00:00Z'),
  notAfter: new Date('2026-12-22T11:00:00Z'),
  subjectAltNames: ['example.com'],
};

const anObservation = (changes: Partial<ReachedObservation> = {}): ReachedObservation => ({
  reached: true,
  address: '192.0.2.1',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  leaf,
  chainLength: 2,
  authorized: true,
  hostNameMatches: true,
  ...changes,
});
const aLeaf = (changes: Partial<typeof leaf>) => anObservation({ leaf: { ...leaf, ...changes } });
const untrusted = (authorizationError: string) => anObservation({ authorized: false, authorizationError });

describe('a judgement', () => {
  it('is verified for the expected, trusted, matching certificate, with whole days left', () => {
    expect(judgeObservation(anObservation(), expected, now)).toEqual({
      verdict: 'verified',
      findings: [],
      daysLeft: 29,
    });
  });

  it.each([
    ['another leaf', aLeaf({ fingerprint: 'f0', serial: 'a0' }), ['other-certificate'], 29],
    ['another leaf under the same serial', aLeaf({ fingerprint: 'f0' }), ['other-certificate'], 29],
    ['an untrusted chain', untrusted('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), ['chain-untrusted'], 29],
    ['an expired intermediate', untrusted('CERT_HAS_EXPIRED'), ['chain-untrusted'], 29],
    ['another host\u2019s name', anObservation({ hostNameMatches: false }), ['host-name-mismatch'], 29],
    ['an expired leaf', aLeaf({ notAfter: new Date('2026-11-22T11:59:59Z') }), ['expired'], -1],
    ['a leaf from the future', aLeaf({ notBefore: new Date('2026-11-22T12:00:01Z') }), ['not-yet-valid'], 29],
    [
      'an expired leaf that OpenSSL noticed too, as one cause',
      { ...untrusted('CERT_HAS_EXPIRED'), leaf: { ...leaf, notAfter: new Date('2026-11-01T13:00:00Z') } },
      ['expired'],
      -21,
    ],
    [
      'all of it',
      {
        ...untrusted('DEPTH_ZERO_SELF_SIGNED_CERT'),
        leaf: { ...leaf, fingerprint: 'f0' },
        hostNameMatches: false,
      },
      ['other-certificate', 'chain-untrusted', 'host-name-mismatch'],
      29,
    ],
  ])('finds %s', (_, observation, codes, daysLeft) => {
    const judgement = judgeObservation(observation, expected, now);
    expect(judgement).toMatchObject({ verdict: 'failed', daysLeft });
    expect(judgement.findings.map(({ code }) => code)).toEqual(codes);
  });

  it('holds on the last instant of the leaf and on its first', () => {
    expect(judgeObservation(anObservation(), expected, leaf.notAfter)).toMatchObject({
      verdict: 'verified',
      daysLeft: 0,
    });
    expect(judgeObservation(anObservation(), expected, leaf.notBefore).verdict).toBe('verified');
  });

  it.each<UnreachedCode>(['refused', 'unreachable', 'timeout', 'reset', 'dns', 'tls'])(
    'fails for an endpoint that was not seen: %s',
    (code) => {
      const observation = { reached: false, address: '192.0.2.1', code, message: 'why' } as const;
      const judgement = judgeObservation(observation, expected, now);
      expect(judgement).toMatchObject({ verdict: 'failed', findings: [{ code: `endpoint-${code}` }] });
      expect(judgement.findings[0]?.message).toMatch(
        /^example\.com \(192\.0\.2\.1\) could not be looked at: why; ./,
      );
      expect(judgement).not.toHaveProperty('daysLeft');
    },
  );

  it('tells what is served, what should be, and what to do', () => {
    const { findings } = judgeObservation(aLeaf({ fingerprint: 'f0', serial: 'a0' }), expected, now);
    expect(findings[0]?.message).toBe(
      'example.com (192.0.2.1) serves certificate a0 (valid until 2026-12-22) instead of a1; deploy again and reload the server',
    );
  });
});
