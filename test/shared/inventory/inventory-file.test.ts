import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../../shared/inventory/inventory-file.ts';

const parse = (value: unknown) => parseInventory(JSON.stringify(value), { source: 'domains.json' });

/** The problems as the message shows them, one a line. */
const problemsOf = (text: string): readonly string[] => {
  const verdict = parseInventory(text, { source: 'domains.json' });
  return verdict.ok
    ? []
    : verdict.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
};
const problemsIn = (...entries: readonly unknown[]) => problemsOf(JSON.stringify(entries));

describe('parseInventory', () => {
  test('gives an entry with a domain alone the documented defaults', () => {
    expect(parse([{ domain: 'WWW.Example.com' }])).toEqual({
      ok: true,
      certificates: [
        {
          name: 'www.example.com',
          policy: {
            domains: ['www.example.com'],
            challenge: 'http-01',
            keyType: 'ecdsa-p256',
            targets: [],
            endpoints: [],
          },
        },
      ],
    });
  });

  test('carries every field into the policy, in A-labels', () => {
    const entry = {
      domain: '*.bücher.example.com',
      sans: ['bücher.example.com'],
      challenge: 'dns-01',
      dns_plugin: 'route53',
      name: 'books',
      key_type: 'rsa-4096',
      renew_days_before: 20,
      ca: 'https://CA.example.com/acme/directory',
      profile: 'tlsserver',
      preferred_chain: 'Some Root X1',
      split_failing_names: true,
      endpoints: ['Shop.bücher.example.com:8443', 'bücher.example.com'],
      deploy: [{ type: 'file', directory: '/etc/ssl/books', reload_command: ['nginx', '-s', 'reload'] }],
    };
    expect(parse([entry])).toEqual({
      ok: true,
      certificates: [
        {
          name: 'books',
          policy: {
            domains: ['*.xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'],
            challenge: 'dns-01',
            dnsPlugin: 'route53',
            keyType: 'rsa-4096',
            renewDaysBefore: 20,
            ca: 'https://ca.example.com/acme/directory',
            profile: 'tlsserver',
            preferredChain: 'Some Root X1',
            splitFailingNames: true,
            targets: [
              { type: 'file', directory: '/etc/ssl/books', reloadCommand: ['nginx', '-s', 'reload'] },
            ],
            endpoints: ['shop.xn--bcher-kva.example.com:8443', 'xn--bcher-kva.example.com'],
          },
        },
      ],
    });
  });

  test('takes IP addresses as names, in one form, and as endpoints', () => {
    const entry = {
      domain: '2001:DB8:0:0::1',
      sans: ['192.0.2.1', 'a.example.com'],
      endpoints: ['[2001:db8:0::1]:8443', '[2001:db8::1]', '192.0.2.1:443', 'a.example.com'],
    };
    expect(parse([entry])).toMatchObject({
      certificates: [
        {
          name: '2001:db8::1',
          policy: {
            domains: ['2001:db8::1', '192.0.2.1', 'a.example.com'],
            endpoints: ['[2001:db8::1]:8443', '[2001:db8::1]', '192.0.2.1:443', 'a.example.com'],
          },
        },
      ],
    });
  });

  test('asks whether there is such a CA, where somebody knows', () => {
    const entries = [
      { domain: 'a.example.com', ca: 'gone' },
      { domain: 'b.example.com', ca: 'there' },
    ];
    const findCaProblem = (ca: string) => (ca === 'gone' ? 'closed in 2025' : undefined);
    const verdict = parseInventory(JSON.stringify(entries), { source: 'domains.json', findCaProblem });
    expect(verdict).toMatchObject({ problems: [{ path: '[0].ca', message: 'closed in 2025' }] });
    expect(parse(entries).ok).toBe(true);
  });

  test('lists every problem of a file in one message, by index and field', () => {
    const verdict = parse([
      { domain: 'ok.example.com' },
      { domain: '-bad.example.com', dns_plgin: 'route53' },
      { domain: '*.example.com', challenge: 'http-01' },
      { domain: 'b.example.com', sans: ['c.example.com', '-bad.example.com', 'b.example.com'] },
      { domain: 'ok.example.com' },
    ]);
    expect(verdict).toMatchObject({
      ok: false,
      message: [
        '"domains.json" has 6 problems; nothing was ordered:',
        '  [1].domain: "-bad.example.com": label starts with a hyphen',
        '  [1]: unknown field "dns_plgin"; did you mean "dns_plugin"?',
        '  [2].challenge: http-01 cannot prove the wildcard "*.example.com"; use dns-01 (RFC 8555, 8.4)',
        '  [3].sans[1]: "-bad.example.com": label starts with a hyphen',
        '  [3].sans[2]: "b.example.com" is listed twice in this certificate, first at [3].domain',
        '  [4]: asks for exactly the names of [0]; keep one of the two',
      ].join('\n'),
    });
  });

  test.each([
    ['', 'line 1, column 1: broken JSON: the text ends where a value belongs'],
    [
      '[\n  {"domain": "a.example.com",}\n]',
      'line 2, column 30: broken JSON: "}" found where a key in double quotes belongs',
    ],
    [
      '[{"domain": "a.example.com"}',
      'line 1, column 29: broken JSON: the text ends where "," or "]" belongs',
    ],
    ['[{"domain" "x"}]', 'line 1, column 12: broken JSON: "\\"" found where ":" belongs'],
    ['[{"domain": "x}]', 'line 1, column 17: broken JSON: a string without its closing quote'],
    ['[] []', 'line 1, column 4: broken JSON: text after the end'],
    ['[NaN]', 'line 1, column 2: broken JSON: "N" found where a value belongs'],
    [`${'['.repeat(40)}`, 'line 1, column 34: broken JSON: nested deeper than 32 levels'],
    ['[]', 'the list of certificates is empty'],
    ['{"domain": "a.example.com"}', 'must be an array of certificates, not an object'],
    ['"a.example.com"', 'must be an array of certificates, not a string'],
    ['null', 'must be an array of certificates, not null'],
    ['[{"domain": "a.example.com", "domain": "b.example.com"}]', '[0]: key "domain" is given twice'],
    [
      '[{"domain": "a.example.com", "__proto__": {"name": "x"}}]',
      '[0]: unknown field "__proto__"; known are domain, sans, challenge, dns_plugin, name, key_type, renew_days_before, ca, profile, preferred_chain, split_failing_names, endpoints, deploy',
    ],
  ])('refuses %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test.each<[unknown, string]>([
    [{}, '[0].domain: is missing'],
    ['a.example.com', '[0]: must be an object, not a string'],
    [{ domain: 5 }, '[0].domain: must be a string, not a number'],
    [{ domain: 'a.example.com', sans: 'b.example.com' }, '[0].sans: must be an array, not a string'],
    [{ domain: 'a.example.com', sans: [null] }, '[0].sans[0]: must be a string, not null'],
    [
      { domain: 'a.example.com', challenge: 'dns' },
      '[0].challenge: "dns" is not one of http-01, dns-01, tls-alpn-01',
    ],
    [
      { domain: 'a.example.com', key_type: 4096 },
      '[0].key_type: "4096" is not one of ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096',
    ],
    [
      { domain: 'a.example.com', keyType: 'rsa-2048' },
      '[0]: unknown field "keyType"; did you mean "key_type"?',
    ],
    [{ domain: 'a.example.com', san: [] }, '[0]: unknown field "san"; did you mean "sans"?'],
    [{ domain: 'a.example.com', renew_days_before: 0 }, '[0].renew_days_before: must be at least 1'],
    [{ domain: 'a.example.com', renew_days_before: 400 }, '[0].renew_days_before: must be at most 365'],
    [
      { domain: 'a.example.com', renew_days_before: 1.5 },
      '[0].renew_days_before: must be a whole number, not a fraction',
    ],
    [
      { domain: '*.example.com' },
      '[0].challenge: is missing; the wildcard "*.example.com" needs "dns-01" and a dns_plugin (RFC 8555, 8.4)',
    ],
    [
      { domain: 'example.com', sans: ['*.example.com'], challenge: 'tls-alpn-01' },
      '[0].challenge: tls-alpn-01 cannot prove the wildcard "*.example.com"; use dns-01 (RFC 8555, 8.4)',
    ],
    [
      { domain: 'a.example.com', challenge: 'dns-01' },
      '[0].dns_plugin: is missing; dns-01 needs the provider that holds the zone, for example "route53"',
    ],
    [
      { domain: 'a.example.com', dns_plugin: 'route53' },
      '[0].dns_plugin: belongs to dns-01, but the challenge is http-01, the default',
    ],
    [
      { domain: 'a.example.com', challenge: 'dns-01', dns_plugin: 'Route 53' },
      '[0].dns_plugin: "Route 53": a plugin name has 1 to 63 lower-case letters, digits, hyphens',
    ],
    [
      { domain: 'a.example.com', sans: ['*.example.com'], challenge: 'dns-01', dns_plugin: 'route53' },
      '[0].domain: "a.example.com" is redundant with "*.example.com" in this certificate; CAs refuse both',
    ],
    [
      { domain: 'a.example.com', name: '../../etc' },
      '[0].name: "../../etc": a name has up to 200 lower-case letters, digits, dots, hyphens and underscores',
    ],
    [
      { domain: 'a.example.com', endpoints: ['a.example.com:70000'] },
      '[0].endpoints[0]: "a.example.com:70000": the port is not from 1 to 65535',
    ],
    [
      { domain: 'a.example.com', endpoints: ['a.example.com:8443', 'b.example.com'] },
      '[0].endpoints[1]: "b.example.com" is not a name of this certificate',
    ],
    [
      { domain: 'a.example.com', endpoints: ['*.example.com'] },
      '[0].endpoints[0]: "*.example.com": the host is a wildcard; name one under it',
    ],
    [
      { domain: 'a.example.com', endpoints: ['192.0.2.1:443'] },
      '[0].endpoints[0]: "192.0.2.1" is not a name of this certificate',
    ],
    [
      { domain: 'a.example.com', ca: 'http://ca.example.com/directory' },
      '[0].ca: "http://ca.example.com/directory": is not an https URL (RFC 8555, 6.1)',
    ],
    [
      { domain: 'a.example.com', ca: "Let's Encrypt" },
      '[0].ca: "Let\'s Encrypt": is neither a CA\'s id, such as "lets-encrypt", nor a directory URL',
    ],
    [
      { domain: 'a.example.com', ca: 'https://user:secret@ca.example.com/directory' },
      '[0].ca: holds credentials; a URL here must not',
    ],
    [{ domain: 'a.example.com', ca: 7 }, '[0].ca: must be a string, not a number'],
    [
      { domain: 'a.example.com', profile: 'short lived' },
      '[0].profile: "short lived": a profile has 1 to 64 letters, digits and signs, as the CA lists them',
    ],
    [
      { domain: 'a.example.com', preferred_chain: ' X1' },
      '[0].preferred_chain: " X1": a chain is preferred by the common name of its root or issuer, up to 64 characters',
    ],
    [
      { domain: 'a.example.com', split_failing_names: 'yes' },
      '[0].split_failing_names: must be true or false, not a string',
    ],
    [
      { domain: '192.0.2.1', challenge: 'tls-alpn-01' },
      '[0].challenge: tls-alpn-01 does not prove the IP address "192.0.2.1" here; use http-01 (RFC 8738)',
    ],
    [
      { domain: '192.0.2.1', challenge: 'dns-01', dns_plugin: 'route53' },
      '[0].challenge: dns-01 does not prove the IP address "192.0.2.1" here; use http-01 (RFC 8738)',
    ],
    [
      { domain: '*.example.com', sans: ['2001:db8::1'], challenge: 'dns-01', dns_plugin: 'route53' },
      '[0].sans[0]: the IP address "2001:db8::1" cannot stand beside the wildcard "*.example.com": no challenge proves both',
    ],
    [
      { domain: '2001:DB8:0::1', sans: ['2001:db8::1'] },
      '[0].sans[0]: "2001:db8::1" is listed twice in this certificate, first at [0].domain',
    ],
    [
      { domain: '2001:db8::1', endpoints: ['2001:db8::1'] },
      '[0].endpoints[0]: "2001:db8::1": the host is an IPv6 address; put it in brackets',
    ],
    [
      { domain: 'a.example.com', deploy: [{ type: 's3' }] },
      '[0].deploy[0].type: is missing or not a known type; known is "file"',
    ],
    [
      { domain: 'a.example.com', deploy: [{ type: 'file', reload: ['x'] }] },
      '[0].deploy[0]: unknown field "reload"; known are type, directory, reload_command',
    ],
    [
      { domain: 'a.example.com', deploy: [{ type: 'file', directory: '/etc/../ssl' }] },
      '[0].deploy[0].directory: "/etc/../ssl": a directory is an absolute path of at most 1024 characters without ".."',
    ],
    [
      { domain: 'a.example.com', deploy: [{ type: 'file', reload_command: [] }] },
      '[0].deploy[0].reload_command: must not be empty',
    ],
  ])('says what is wrong with %j', (entry, problem) => {
    expect(problemsIn(entry)).toEqual([problem]);
  });

  test('counts the names of a certificate and stops at 100', () => {
    const sans = Array.from({ length: 100 }, (_, index) => `n${index}.example.com`);
    expect(problemsIn({ domain: 'a.example.com', sans: sans.slice(1) })).toEqual([]);
    expect(problemsIn({ domain: 'a.example.com', sans })).toEqual([
      '[0].sans: 101 names; a certificate holds at most 100',
    ]);
  });

  test('refuses one set of names twice, whatever their order and the name of the certificate', () => {
    expect(
      problemsIn(
        { domain: 'a.example.com', sans: ['b.example.com'] },
        { domain: 'b.example.com', sans: ['a.example.com'], name: 'other' },
      ),
    ).toEqual(['[1]: asks for exactly the names of [0]; keep one of the two']);
  });

  test('refuses one name for two certificates', () => {
    expect(
      problemsIn(
        { domain: 'a.example.com' },
        { domain: 'a.example.com', sans: ['b.example.com'] },
        { domain: 'c.example.com', name: 'a.example.com' },
      ),
    ).toEqual([
      '[1].domain: "a.example.com" is already the name of [0]; add a "name" to tell them apart',
      '[2].name: "a.example.com" is already the name of [0]',
    ]);
  });

  test('shows names that would rewrite the message in escaped form', () => {
    expect(problemsIn({ domain: '\u202egnp.example.com' })).toEqual([
      '[0].domain: "\\u{202e}gnp.example.com": contains a space, control or invisible character',
    ]);
  });

  test('refuses a text above the size allowed, by bytes', () => {
    const verdict = parseInventory('["ü"]', { source: 'domains.json', maximumBytes: 5 });
    expect(verdict).toMatchObject({
      ok: false,
      problems: [{ path: '', message: '6 bytes; an inventory has at most 5' }],
    });
  });

  test('never throws, and refuses with at least one problem', () => {
    const entry = fc.record(
      {
        domain: fc.oneof(fc.domain(), fc.string(), fc.anything()),
        sans: fc.oneof(fc.array(fc.domain(), { maxLength: 4 }), fc.anything()),
        challenge: fc.constantFrom('http-01', 'dns-01', 'tls-alpn-01', 'x', null),
        dns_plugin: fc.oneof(fc.constant('route53'), fc.anything()),
        deploy: fc.oneof(fc.constant([{ type: 'file' }]), fc.anything()),
        endpoints: fc.oneof(fc.array(fc.string()), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.oneof(entry, fc.anything())).map((entries) => JSON.stringify(entries) ?? ''),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const verdict = parseInventory(text, { source: 'domains.json' });
        if (verdict.ok) expect(verdict.certificates.length).toBeGreaterThan(0);
        else expect(verdict.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test('agrees with JSON.parse on what is JSON', () => {
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '\\', '{', ']', '\n', '0', '-', 'e', '\u007f'),
      )
      .map(([text, at, piece]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + piece + text.slice(place + 1);
      });
    fc.assert(
      fc.property(mutated, (text) => {
        const broken = problemsOf(text).some((problem) => problem.includes('broken JSON'));
        expect(broken).toBe(!isJson(text));
      }),
      { numRuns: 5000 },
    );
  });

  test('accepts the example, 24 certificates of every challenge and key type family', () => {
    const verdict = parseInventory(readFileSync('examples/domains.json', 'utf8'), { source: 'domains.json' });
    const policies = verdict.ok ? verdict.certificates.map(({ policy }) => policy) : [];
    expect(policies).toHaveLength(24);
    expect(new Set(policies.map(({ challenge }) => challenge))).toEqual(
      new Set(['http-01', 'dns-01', 'tls-alpn-01']),
    );
    expect(new Set(policies.flatMap(({ dnsPlugin }) => dnsPlugin ?? []))).toEqual(
      new Set(['route53', 'cloudflare', 'rfc2136', 'google']),
    );
    const names = policies.flatMap(({ domains }) => domains);
    expect(names.every((name) => /(^|\.)example\.(com|org|net)$/.test(name))).toBe(true);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
