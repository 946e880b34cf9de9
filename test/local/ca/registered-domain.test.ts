import { expect, it } from 'vitest';
import { coverOf } from '../../../local/ca/registered-domain.ts';

it.each([
  ['www.example.com', 'example.com'],
  ['*.example.co.uk', 'example.co.uk'],
  ['a.b.example.github.io', 'example.github.io'],
  ['github.io', 'github.io'],
  ['a.b.example', 'b.example'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::7', '2001:db8::/64'],
  ['::1', '::/64'],
])('%s is counted under %s', (name, cover) => {
  expect(coverOf(name)).toBe(cover);
});
