import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { X509Certificate as DecodedCertificate } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { createMemoryAnswerStore } from '../../../shared/challenges/answers.memory.ts';
import type { PresentedChallenge } from '../../../shared/challenges/challenge.ts';
import { createChallengePresenters } from '../../../shared/challenges/presenters.ts';
import { alpnAnswerKey } from '../../../shared/challenges/tls-alpn-01.ts';
import { createAlpnCertificate } from '../../../shared/challenges/tls-alpn-certificate.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';

const challenge: PresentedChallenge = {
  type: 'tls-alpn-01',
  domain: 'example.com',
  token: 'token',
  keyAuthorization: 'token.thumbprint',
};

describe('tls-alpn-01', () => {
  it('keeps the answer under the domain from present to withdraw', async () => {
    const answers = createMemoryAnswerStore();
    const unused = () => {
      throw new Error('not asked');
    };
    const presenter = createChallengePresenters({
      answers,
      clock: systemClock,
      dns: { providers: unused, propagation: { findServers: unused, check: unused } },
    })['tls-alpn-01'];
    const signal = AbortSignal.timeout(60_000);
    await presenter.present(challenge, signal);
    expect((await answers.get(alpnAnswerKey('EXAMPLE.com')))?.keyAuthorization).toBe('token.thumbprint');
    await presenter.withdraw(challenge, signal);
    expect(await answers.get(alpnAnswerKey('example.com'))).toBeUndefined();
  });

  it('has a certificate as RFC 8737, 3 wants it', async () => {
    const now = new Date('2026-09-01T12:00:00Z');
    const { certPem, keyPem } = await createAlpnCertificate('example.com', 'token.thumbprint', now);
    const certificate = new X509Certificate(certPem);
    expect(certificate.subjectAltName).toBe('DNS:example.com');
    expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validFromDate.getTime()).toBeLessThan(now.getTime());
    expect(certificate.validToDate.getTime()).toBeGreaterThan(now.getTime());

    const extension = new DecodedCertificate(certPem).getExtension('1.3.6.1.5.5.7.1.31');
    const digest = createHash('sha256').update('token.thumbprint').digest('hex');
    expect(extension?.critical).toBe(true);
    expect(Buffer.from(extension?.value ?? new ArrayBuffer()).toString('hex')).toBe(`0420${digest}`);
  });
});
