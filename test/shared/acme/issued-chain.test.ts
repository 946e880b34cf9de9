import { beforeAll, describe, expect, it } from 'vitest';
import { checkIssuedChain } from '../../../shared/acme/issued-chain.ts';
import { createTestCa, type TestPair } from '../../support/test-ca.ts';

const domains = ['www.example.com', '*.example.org'];
const dayMillis = 86_400_000;
let ca: Awaited<ReturnType<typeof createTestCa>>;
let pair: TestPair;

beforeAll(async () => {
  ca = await createTestCa();
  pair = await ca.issue({ domains });
});

const check = (fullchainPem: string, changes: object = {}) =>
  checkIssuedChain(fullchainPem, { domains, privateKeyPem: pair.privateKeyPem, now: new Date(), ...changes });
const refusal = (what: string | RegExp) =>
  expect.objectContaining({ code: 'issued-chain-wrong', message: expect.stringMatching(what) });

describe('an issued chain', () => {
  it('is read from its leaf, names in any order', () => {
    const chain = check(pair.fullchainPem, { domains: domains.toReversed() });
    expect(chain.domains.toSorted()).toEqual(domains.toSorted());
    expect(chain.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(chain.notAfter.getTime()).toBeGreaterThan(chain.notBefore.getTime());
  });

  it('is refused for another key', async () => {
    const other = await ca.issue({ domains });
    expect(() => check(other.fullchainPem)).toThrow(refusal('public key is not the one requested'));
  });

  it('is refused for a name too many or too few, telling which', () => {
    expect(() => check(pair.fullchainPem, { domains: ['www.example.com'] })).toThrow(
      refusal(/extra \[\*\.example\.org\]/),
    );
    const more = [...domains, 'more.example.com'];
    expect(() => check(pair.fullchainPem, { domains: more })).toThrow(
      refusal(/missing \[more\.example\.com\]/),
    );
  });

  it('is refused when it has expired', () => {
    const now = new Date(Date.now() + 1000 * dayMillis);
    expect(() => check(pair.fullchainPem, { now })).toThrow(refusal('it expired'));
  });

  it('is refused when a certificate did not sign the one before it', async () => {
    const stranger = await (await createTestCa('Other Root')).issue({ domains });
    const foreign = stranger.fullchainPem.slice(stranger.leafPem.length);
    expect(() => check(pair.leafPem + foreign)).toThrow(refusal('certificate 1 did not sign certificate 0'));
  });

  it.each(['', 'nothing', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'is refused when it is %j',
    (text) => {
      expect(() => check(text)).toThrow(refusal(/holds no certificate|cannot be parsed/));
    },
  );
});
