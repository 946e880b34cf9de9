import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAddress, parseIdentifier } from '../../../shared/inventory/identifier.ts';

describe('an identifier', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1::0:1', '2001:db8:0:1::1'],
    ['::1', '::1'],
    ['WWW.Example.com', 'www.example.com'],
    ['*.example.com', '*.example.com'],
  ])('%s is taken as %s', (text, domain) => {
    expect(parseIdentifier(text)).toEqual({ ok: true, domain });
  });

  it.each([
    ['[2001:db8::1]', /brackets/],
    ['fe80::1%eth0', /zone/],
    ['::ffff:192.0.2.1', /written as IPv6/],
    ['0.0.0.0', /not the address of one host/],
    ['224.0.0.1', /not the address of one host/],
    ['255.255.255.255', /not the address of one host/],
    ['::', /not the address of one host/],
    ['ff02::1', /not the address of one host/],
    ['127.1', /reads as an IP address/],
    ['192.0.2.01', /reads as an IP address/],
    ['192.0.2.1:443', /has a port/],
    ['192.0.2.0/24', /only letters/],
  ])('%s is refused', (text, reason) => {
    expect(parseIdentifier(text)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('that was taken is taken again as it is, whatever was written first', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const verdict = parseIdentifier(text);
        if (!verdict.ok) return;
        expect(parseIdentifier(verdict.domain)).toEqual(verdict);
        expect(isAddress(verdict.domain)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
