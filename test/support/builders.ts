import type {
  CertificatePolicy,
  IssuedCertificate,
  TrackedCertificate,
} from '../../shared/certificates/certificate.ts';
import { beginRenewal, type Renewal } from '../../shared/renewal/renewal.ts';

export const noon = new Date('2026-11-21T12:00:00Z');
export const daysAfter = (instant: Date, days: number) => new Date(instant.getTime() + days * 86_400_000);

export const aPolicy = (changes: Partial<CertificatePolicy> = {}): CertificatePolicy => ({
  domains: ['www.example.com'],
  challenge: 'http-01',
  keyType: 'ecdsa-p256',
  targets: [],
  endpoints: [],
  ...changes,
});

export const anIssuedCertificate = (changes: Partial<IssuedCertificate> = {}): IssuedCertificate => ({
  generation: 1,
  serial: '0a1b2c',
  fingerprint: 'ab'.repeat(32),
  domains: ['www.example.com'],
  keyType: 'ecdsa-p256',
  notBefore: noon,
  notAfter: daysAfter(noon, 90),
  ...changes,
});

export const aCertificate = (changes: Partial<TrackedCertificate> = {}): TrackedCertificate => ({
  name: 'www.example.com',
  policy: aPolicy(),
  state: 'tracked',
  generation: 1,
  current: anIssuedCertificate(),
  nextActionAt: noon,
  ...changes,
});

export const aRenewal = (changes: Partial<Renewal> = {}): Renewal => ({
  ...beginRenewal(
    { certificateName: 'www.example.com', generation: 1 },
    {
      reason: { code: 'missing', message: 'no certificate has been issued yet' },
      policy: aPolicy(),
      now: noon,
      nextActionAt: noon,
    },
  ),
  ...changes,
});
