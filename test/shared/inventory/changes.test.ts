import { describe, expect, test } from 'vitest';
import type { CertificatePolicy, TrackedCertificate } from '../../../shared/certificates/certificate.ts';
import { compareInventory } from '../../../shared/inventory/changes.ts';

const aPolicy = (overrides: Partial<CertificatePolicy> = {}): CertificatePolicy => ({
  domains: ['a.example.com', 'b.example.com', 'c.example.com'],
  challenge: 'http-01',
  keyType: 'ecdsa-p256',
  targets: [],
  endpoints: [],
  ...overrides,
});

const aCertificate = (overrides: Partial<TrackedCertificate> = {}): TrackedCertificate => ({
  name: 'a.example.com',
  policy: aPolicy(),
  state: 'tracked',
  generation: 1,
  nextActionAt: new Date('2027-01-01T00:00:00Z'),
  ...overrides,
});

const fieldsChangedBy = (policy: Partial<CertificatePolicy>) =>
  compareInventory([aCertificate()], [{ name: 'a.example.com', policy: aPolicy(policy) }]).changed.flatMap(
    ({ fields }) => fields,
  );

describe('compareInventory', () => {
  test('puts every certificate into exactly one list', () => {
    const kept = aCertificate({ name: 'kept' });
    const altered = aCertificate({ name: 'altered' });
    const gone = aCertificate({ name: 'gone' });
    const entries = [
      { name: 'new', policy: aPolicy() },
      { name: 'kept', policy: aPolicy() },
      { name: 'altered', policy: aPolicy({ keyType: 'rsa-2048' }) },
    ];
    expect(compareInventory([kept, altered, gone], entries)).toEqual({
      appeared: [entries[0]],
      changed: [{ tracked: altered, entry: entries[2], fields: ['keyType'] }],
      vanished: [gone],
      unchanged: [kept],
    });
  });

  test('lets a retired certificate appear again, and does not name it as vanished twice', () => {
    const retired = aCertificate({ state: 'retired' });
    const entry = { name: 'a.example.com', policy: aPolicy() };
    expect(compareInventory([retired], [entry]).appeared).toEqual([entry]);
    expect(compareInventory([retired], [])).toEqual({
      appeared: [],
      changed: [],
      vanished: [],
      unchanged: [],
    });
  });

  test.each<[keyof CertificatePolicy, Partial<CertificatePolicy>]>([
    ['domains', { domains: ['a.example.com', 'b.example.com'] }],
    ['domains', { domains: ['b.example.com', 'a.example.com', 'c.example.com'] }],
    ['challenge', { challenge: 'tls-alpn-01' }],
    ['dnsPlugin', { dnsPlugin: 'route53' }],
    ['keyType', { keyType: 'ecdsa-p384' }],
    ['renewDaysBefore', { renewDaysBefore: 30 }],
    ['ca', { ca: 'lets-encrypt' }],
    ['profile', { profile: 'shortlived' }],
    ['preferredChain', { preferredChain: 'Some Root' }],
    ['splitFailingNames', { splitFailingNames: true }],
    ['targets', { targets: [{ type: 'file', reloadCommand: ['true'] }] }],
    ['endpoints', { endpoints: ['a.example.com:8443'] }],
  ])('names %s as changed by %j', (field, policy) => {
    expect(fieldsChangedBy(policy)).toEqual([field]);
  });

  test('takes the order of names after the subject, and fields left undefined, for no change', () => {
    expect(fieldsChangedBy({ domains: ['a.example.com', 'c.example.com', 'b.example.com'] })).toEqual([]);
    expect(fieldsChangedBy({ dnsPlugin: undefined, renewDaysBefore: undefined, ca: undefined })).toEqual([]);
    expect(fieldsChangedBy({ splitFailingNames: false })).toEqual([]);
  });

  test('names every field that changed', () => {
    expect(fieldsChangedBy({ challenge: 'dns-01', dnsPlugin: 'route53' })).toEqual([
      'challenge',
      'dnsPlugin',
    ]);
  });
});
