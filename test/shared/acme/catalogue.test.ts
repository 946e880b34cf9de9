import { describe, expect, it } from 'vitest';
import { isAllowedUrl } from '../../../shared/acme/allowed-url.ts';
import { authorities, findAuthority, findUnsupported } from '../../../shared/acme/catalogue.ts';

const acmUrl = 'https://acm-acme-enroll.eu-west-1.api.aws/0f2c/directory';

describe('the catalogue', () => {
  it('has one row per id and per directory, each https', () => {
    expect(new Set(authorities.map(({ id }) => id)).size).toBe(authorities.length);
    expect(new Set(authorities.map(({ directoryUrl }) => directoryUrl)).size).toBe(authorities.length);
    for (const { directoryUrl } of authorities) expect(directoryUrl).toMatch(/^https:\/\//);
  });

  it('rehearses at CAs it has, which ask for no rehearsal themselves', () => {
    for (const { staging } of authorities) {
      if (staging) expect(findAuthority(staging).staging).toBeUndefined();
    }
  });

  it.each(authorities.filter(({ id }) => id !== 'aws-acm').map(({ id, directoryUrl }) => [id, directoryUrl]))(
    'finds %s by its id and by its directory',
    (id, directoryUrl) => {
      expect(findAuthority(id)).toBe(findAuthority(directoryUrl));
    },
  );

  it('finds AWS ACM by the directory of any customer and region', () => {
    expect(findAuthority(acmUrl)).toMatchObject({
      id: 'aws-acm',
      directoryUrl: acmUrl,
      preauthorized: true,
      issuanceSeconds: 600,
    });
    expect(() => findAuthority('aws-acm')).toThrow(/directory URL of the customer's own endpoint/);
  });

  it('takes any other https directory as it is', () => {
    const url = 'https://ca.internal:9000/acme/acme/directory';
    const authority = findAuthority(url);
    expect(authority).toMatchObject({ id: 'custom', name: 'ca.internal:9000', directoryUrl: url });
    const everything = {
      domains: ['*.a.internal', '10.0.0.1'],
      keyType: 'rsa-4096',
      profile: 'own',
    } as const;
    expect(findUnsupported(authority, everything)).toBeUndefined();
  });

  it.each([['letsencrypt'], ['http://ca.internal/directory'], ['']])(
    'does not know %j, and says whom it does',
    (asked) => {
      expect(() => findAuthority(asked)).toThrow(
        expect.objectContaining({
          code: 'unknown-authority',
          disposition: 'give-up',
          message: expect.stringContaining('lets-encrypt, lets-encrypt-staging'),
        }),
      );
    },
  );

  it.each([
    ['buypass'],
    ['https://api.buypass.com/acme/directory'],
    ['https://api.test4.buypass.no/acme/directory'],
  ])('says that %s is closed', (asked) => {
    expect(() => findAuthority(asked)).toThrow(
      expect.objectContaining({
        code: 'authority-closed',
        message: expect.stringContaining('October 2025'),
      }),
    );
  });
});

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.example.com`);
const plain = { domains: ['www.example.com'], keyType: 'ecdsa-p256' } as const;

describe('what a CA cannot issue', () => {
  it.each([
    ['lets-encrypt', {}, undefined],
    ['lets-encrypt', { domains: ['*.example.com'] }, undefined],
    ['lets-encrypt', { domains: names(100) }, undefined],
    ['lets-encrypt', { domains: names(101) }, 'at most 100 names, not 101'],
    [
      'lets-encrypt',
      { domains: names(26), profile: 'tlsserver' },
      'at most 25 names under the profile "tlsserver"',
    ],
    ['lets-encrypt', { profile: 'tlsclient' }, 'no profile "tlsclient"'],
    ['lets-encrypt', { profile: 'toString' }, 'no profile "toString"'],
    ['lets-encrypt', { domains: ['192.0.2.1'], profile: 'shortlived' }, undefined],
    [
      'lets-encrypt',
      { domains: ['2001:db8::1'], profile: 'classic' },
      'no IP addresses under the profile "classic"',
    ],
    ['lets-encrypt', { domains: ['192.0.2.1'] }, 'no IP addresses; ask for its profile "shortlived"'],
    ['zerossl', { profile: 'classic' }, 'no profile "classic"'],
    ['zerossl', { domains: ['192.0.2.1'] }, 'no IP addresses'],
    ['actalis', { domains: ['*.example.com'] }, 'no wildcards'],
    ['actalis', { domains: names(3) }, 'at most 2 names'],
    ['actalis', { domains: ['example.com', 'www.example.com'] }, undefined],
    ['ssl-com-ecc', { domains: ['www.example.com', 'example.com'] }, undefined],
    ['ssl-com-ecc', { domains: ['example.com', 'example.org'] }, 'www. before the first'],
    ['ssl-com-ecc', { keyType: 'rsa-2048' }, 'no rsa-2048 keys'],
    ['ssl-com-rsa', { keyType: 'rsa-2048' }, undefined],
    [acmUrl, { keyType: 'ecdsa-p384' }, undefined],
    [acmUrl, { keyType: 'rsa-4096' }, 'no rsa-4096 keys'],
  ] as const)('%s, asked for %j: %s', (id, changes, reason) => {
    const unsupported = findUnsupported(findAuthority(id), { ...plain, ...changes });
    if (reason === undefined) expect(unsupported).toBeUndefined();
    else expect(unsupported).toContain(reason);
  });
});

describe('a URL a CA handed out', () => {
  const scope = {
    directoryUrl: 'https://ca.example/directory',
    hosts: ['other.example', 'third.example:8443'],
  };

  it.each([
    ['https://ca.example/order/1', true],
    ['https://ca.example:8443/order/1', true],
    ['https://other.example/order/1', true],
    ['https://other.example:8443/order/1', false],
    ['https://third.example:8443/order/1', true],
    ['https://CA.EXAMPLE/order/1', true],
    ['https://ca.example.evil.example/order/1', false],
    ['https://ca.example@evil.example/', false],
    ['http://ca.example/order/1', false],
    ['file:///etc/passwd', false],
    ['/order/1', false],
  ])('%s is allowed: %s', (url, allowed) => {
    expect(isAllowedUrl(url, scope)).toBe(allowed);
  });
});
