import { expect, it } from 'vitest';
import { registeredDomainOf } from '../../../shared/limits/registered-domain.ts';

it.each([
  ['www.example.com', 'example.com'],
  ['Example.COM', 'example.com'],
  ['*.a.b.example.co.uk', 'example.co.uk'],
  ['www.example.com.', 'example.com'],
  ['alice.github.io', 'alice.github.io'],
  ['deep.alice.github.io', 'alice.github.io'],
  ['github.io', 'github.io'],
  ['co.uk', 'co.uk'],
  ['com', 'com'],
  ['foo.ck', 'foo.ck'],
  ['www.ck', 'www.ck'],
  ['app.eu-west-1.elasticbeanstalk.com', 'app.eu-west-1.elasticbeanstalk.com'],
  ['host.cluster.internal', 'cluster.internal'],
  ['localhost', 'localhost'],
  ['xn--bcher-kva.example.com', 'example.com'],
  ['_acme.example.com', 'example.com'],
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
])('%s is counted under %s', (identifier, registered) => {
  expect(registeredDomainOf(identifier)).toBe(registered);
});
