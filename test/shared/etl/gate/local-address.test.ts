import { expect, it } from 'vitest';
import { isAddress, isLocalAddress } from '../../../../shared/etl/gate/local-address.ts';

it.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '169.254.169.254',
  '::1',
  '::',
  '::127.0.0.1',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b::7f00:1',
  'fd00:ec2::254',
])('%s is of this machine or its link', (address) => {
  expect(isLocalAddress(address)).toBe(true);
});

it.each([
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '169.255.0.0',
  '93.184.216.34',
  '::ffff:10.0.0.1',
  'fd12::1',
  'fec0::1',
  '2001:db8::1',
  '64:ff9b::a00:1',
])('%s is elsewhere, in a private network perhaps', (address) => {
  expect(isLocalAddress(address)).toBe(false);
});

it('a name is no address', () => {
  expect(['localhost', '::1', '10.0.0.1', '[::1]', ''].map(isAddress)).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});
