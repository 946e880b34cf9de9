import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDomainName } from '../../../shared/inventory/domain-name.ts';

const label63 = 'a'.repeat(63);
const name253 = `${label63}.${label63}.${label63}.${'b'.repeat(57)}.com`;

const accepted: readonly (readonly [written: string, domain: string])[] = [
  ['example.com', 'example.com'],
  ['EXAMPLE.Com', 'example.com'],
  ['a.b.c.d.e.f.example.com', 'a.b.c.d.e.f.example.com'],
  ['1.example.com', '1.example.com'],
  ['1.2.3.com', '1.2.3.com'],
  ['3com.com', '3com.com'],
  ['a-b.example.com', 'a-b.example.com'],
  ['abc--d.example.com', 'abc--d.example.com'],
  ['a.internal', 'a.internal'],
  ['x.co.uk', 'x.co.uk'],
  ['www.ck', 'www.ck'],
  ['example.x--y', 'example.x--y'],
  ['*.example.com', '*.example.com'],
  ['*.EXAMPLE.com', '*.example.com'],
  ['*.x.co.uk', '*.x.co.uk'],
  ['*.www.ck', '*.www.ck'],
  ['github.io', 'github.io'],
  ['*.s3.amazonaws.com', '*.s3.amazonaws.com'],
  ['bücher.example.com', 'xn--bcher-kva.example.com'],
  ['BÜCHER.example.com', 'xn--bcher-kva.example.com'],
  ['bu\u0308cher.example.com', 'xn--bcher-kva.example.com'],
  ['*.bücher.example.com', '*.xn--bcher-kva.example.com'],
  ['xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'],
  ['XN--BCHER-KVA.example.com', 'xn--bcher-kva.example.com'],
  ['faß.example.com', 'xn--fa-hia.example.com'],
  ['例子.example.com', 'xn--fsqu00a.example.com'],
  ['例子.测试', 'xn--fsqu00a.xn--0zwm56d'],
  ['א1.example.com', 'xn--1-zhc.example.com'],
  ['ｅｘａｍｐｌｅ.com', 'example.com'],
  ['example。com', 'example.com'],
  ['x\u0300.example.com', 'xn--x-vbb.example.com'],
  ['пример.example.com', 'xn--e1afmkfd.example.com'],
  [`${label63}.example.com`, `${label63}.example.com`],
  [name253, name253],
];

const refused: readonly (readonly [written: string, reason: RegExp])[] = [
  ['', /is empty/],
  [' ', /space/],
  [' example.com', /space/],
  ['example.com ', /space/],
  ['exam ple.com', /space/],
  ['example.com\n', /control/],
  ['example\t.com', /control/],
  ['example.com\0', /control/],
  ['exa\u00a0mple.com', /space/],
  ['exa\u00admple.com', /invisible/],
  ['exa\u200bmple.com', /invisible/],
  ['exa\u200dmple.com', /invisible/],
  ['\u202eexample.com', /invisible/],
  ['\ufeffexample.com', /invisible/],
  ['example\u2028.com', /space/],
  ['\ud800.example.com', /invisible/],
  ['https://example.com', /is a URL/],
  ['https://example.com/path', /is a URL/],
  ['admin@example.com', /e-mail/],
  ['example.com:443', /has a port/],
  ['example.com/path', /contains "\/"/],
  ['example.com?x', /contains "\?"/],
  ['example.com#x', /contains "#"/],
  ['ex%61mple.com', /contains "%"/],
  ['ex_ample.com', /contains "_"/],
  ['_acme-challenge.example.com', /contains "_"/],
  ['a,b.example.com', /contains ","/],
  ['a.example.com;b', /contains ";"/],
  ['$(id).example.com', /contains "\$"/],
  ['a\\b.example.com', /contains "\\"/],
  ["a'b.example.com", /contains "'"/],
  ['<b>.example.com', /contains "<"/],
  ['../../etc/passwd', /empty label/],
  ['example', /one label only/],
  ['localhost', /one label only/],
  ['com', /one label only/],
  ['*.com', /one label only/],
  ['*.localhost', /one label only/],
  ['.', /ends with a dot/],
  ['example.com.', /ends with a dot/],
  ['*.example.com.', /ends with a dot/],
  ['example.com。', /ends with a dot/],
  ['.example.com', /empty label/],
  ['a..example.com', /empty label/],
  ['*..example.com', /empty label/],
  ['-a.example.com', /starts with a hyphen/],
  ['a-.example.com', /ends with a hyphen/],
  ['a.-b.com', /starts with a hyphen/],
  ['*.-a.com', /starts with a hyphen/],
  ['-.example.com', /starts with a hyphen/],
  [`a${label63}.example.com`, /label of 64 octets; 63/],
  [`${'ü'.repeat(63)}.example.com`, /label of \d+ octets|not a valid internationalised/],
  [`a${name253}`, /254 octets; 253/],
  [`*.${name253}`, /255 octets; 253/],
  ['*', /not the whole leftmost label/],
  ['*example.com', /not the whole leftmost label/],
  ['a*.example.com', /not the whole leftmost label/],
  ['*a.example.com', /not the whole leftmost label/],
  ['www.*.example.com', /not the whole leftmost label/],
  ['example.*', /not the whole leftmost label/],
  ['*.*.example.com', /more than one wildcard/],
  ['**.example.com', /more than one wildcard/],
  ['＊.example.com', /contains "\*"|not a valid internationalised/],
  ['co.uk', /is a public suffix/],
  ['*.co.uk', /wildcard over the public suffix "co.uk"/],
  ['foo.ck', /is a public suffix/],
  ['*.foo.ck', /wildcard over the public suffix/],
  ['192.0.2.1', /IP address, not a DNS name/],
  ['2001:db8::1', /IP address, not a DNS name/],
  ['[2001:db8::1]', /IP address, not a DNS name/],
  ['::ffff:192.0.2.1', /IP address, not a DNS name/],
  ['127.1', /reads as an IP address/],
  ['0x7f.0x1', /reads as an IP address/],
  ['1.2.3.4.5', /reads as an IP address/],
  ['example.123', /reads as an IP address/],
  ['１２７.0.0.1', /reads as an IP address/],
  ['ab--cd.example.com', /third and fourth place/],
  ['xn--.example.com', /ends with a hyphen/],
  ['xn--a.example.com', /not valid Punycode/],
  ['xn--0.example.com', /not valid Punycode/],
  ['xn--a-ecp.example.com', /not valid Punycode/],
  ['xn--example-.com', /ends with a hyphen/],
  ['xn--i-ccb.example.com', /not valid Punycode/],
  ['xn--zzzzzzzzzz99999999.example.com', /not valid Punycode/],
  ['℀.example.com', /not a valid internationalised/],
  ['1א.example.com', /not a valid internationalised/],
  ['\u0300x.example.com', /not a valid internationalised/],
  ['a---b.example.com', /third and fourth place/],
];

describe('parseDomainName', () => {
  test.each(accepted)('reads %j as %j', (written, domain) => {
    expect(parseDomainName(written)).toEqual({ ok: true, domain });
  });

  test.each(refused)('refuses %j', (written, reason) => {
    expect(parseDomainName(written)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  const writtenNames = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.domain(),
    fc.domain().map((name) => `*.${name}`),
    fc
      .array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 4 })
      .map((labels) => labels.join('.')),
    fc
      .array(fc.constantFrom('xn--', 'a', '-', '.', '*', 'ü', '1', '0x', 'com'), { maxLength: 12 })
      .map((parts) => parts.join('')),
  );

  test('never throws, and answers in lower-case letters, digits, hyphens and dots', () => {
    fc.assert(
      fc.property(writtenNames, (written) => {
        const verdict = parseDomainName(written);
        if (verdict.ok) expect(verdict.domain).toMatch(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/);
        else expect(verdict.reason).not.toBe('');
      }),
      { numRuns: 5000 },
    );
  });

  test('reads what it accepted as itself', () => {
    fc.assert(
      fc.property(writtenNames, (written) => {
        const verdict = parseDomainName(written);
        if (verdict.ok) expect(parseDomainName(verdict.domain)).toEqual(verdict);
      }),
      { numRuns: 5000 },
    );
  });
});
