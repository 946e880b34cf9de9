import { describe, expect, it } from 'vitest';
import { decideExemption } from '../../../shared/renewal/exemption.ts';
import { aCertificate, anIssuedCertificate, daysAfter, noon } from '../../support/builders.ts';

const directoryUrl = 'https://acme-v02.api.letsencrypt.org/directory';
const certificateId = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
const current = anIssuedCertificate({
  issuedBy: { directoryUrl, accountUrl: 'https://ca/acct/1', certificateId },
});
const advice = {
  certificateId,
  window: { start: daysAfter(noon, 59), end: daysAfter(noon, 61) },
  nextPollAt: noon,
  failures: 0,
};
const certificate = aCertificate({ current, advice });
const order = { domains: current.domains, directoryUrl, replaces: certificateId, now: daysAfter(noon, 60) };

describe('the exemption of an order', () => {
  it('is full inside the announced window, and counts domains where names changed', () => {
    expect(decideExemption(certificate, order)).toBe('ari');
    const domains = [...order.domains, 'more.example.com'];
    expect(decideExemption(certificate, { ...order, domains })).toBe('ari-changed-set');
  });

  it.each([
    ['before the window', { now: daysAfter(noon, 58) }],
    ['at its end, which no longer belongs to it', { now: daysAfter(noon, 61) }],
    ['without replaces', { replaces: undefined }],
  ])('is that of the same set %s', (_, change) => {
    expect(decideExemption(certificate, { ...order, ...change })).toBe('same-set');
  });

  it.each([
    ['another CA', { directoryUrl: 'https://dv.acme-v02.api.pki.goog/directory' }],
    ['other names outside the window', { domains: ['x.example.com'], now: noon }],
    ['a certificate of more than 120 days ago', { now: daysAfter(noon, 121), replaces: undefined }],
  ])('is none for %s', (_, change) => {
    expect(decideExemption(certificate, { ...order, ...change })).toBe('none');
  });

  it('is none for a certificate that was never issued', () => {
    expect(decideExemption(undefined, order)).toBe('none');
  });
});
