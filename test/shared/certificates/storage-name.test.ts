import fc from 'fast-check';
import { expect, it } from 'vitest';
import { storageName } from '../../../shared/certificates/certificate.ts';

it.each([
  ['www.example.com', 'www.example.com'],
  ['*.example.com', '_wildcard.example.com'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '_ipv6.2001-db8--1'],
])('a certificate named %s is stored as %s', (name, stored) => {
  expect(storageName(name)).toBe(stored);
});

it('every address is stored under a name of its own that is one path segment and fits a secret', () => {
  const address = fc.ipV6().filter((text) => !text.includes('.'));
  fc.assert(
    fc.property(address, address, (one, other) => {
      expect(storageName(one)).toMatch(/^\w[\w.-]*$/);
      expect(storageName(one)).not.toContain('..');
      expect(storageName(one) === storageName(other)).toBe(one === other);
    }),
  );
});
