import { describe, expect, it } from 'vitest';
import type { TlsObservation } from '../../../shared/verify/observation.ts';
import type { Probe } from '../../../shared/verify/probe.ts';
import { listFindings, type VerifyRequest, verifyCertificate } from '../../../shared/verify/verify.ts';

const now = new Date('2026-11-22T12:00:00Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);

const served = (fingerprint: string, daysLeft = 60): TlsObservation => ({
  reached: true,
  address: '192.0.2.1',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  leaf: { serial: 'a1', fingerprint, notBefore: days(-1), notAfter: days(daysLeft), subjectAltNames: [] },
  chainLength: 2,
  authorized: true,
  hostNameMatches: true,
});
const unreached = (code: 'unreachable' | 'refused'): TlsObservation => ({
  reached: false,
  address: '2001:db8::1',
  code,
  message: 'connect failed',
});

const verify = (probe: Probe, changes: Partial<VerifyRequest> = {}) =>
  verifyCertificate({
    policy: { domains: ['a.example', 'b.example'], endpoints: [] },
    certificate: { serial: 'a1', fingerprint: 'f1' },
    clock: { now: () => now, sleep: async () => undefined },
    signal: new AbortController().signal,
    probe,
    ...changes,
  });

describe('a verification', () => {
  it('holds when every endpoint serves the certificate, with the fewest days left', async () => {
    const verification = await verify(async ({ host }) => [served('f1', host === 'a.example' ? 60 : 30)]);
    expect(verification).toMatchObject({ verdict: 'verified', daysLeft: 30 });
    expect(verification.endpoints.map(({ endpoint }) => endpoint)).toEqual([
      'a.example:443',
      'b.example:443',
    ]);
    expect(listFindings(verification)).toEqual([]);
  });

  it('fails when one of an endpoint\u2019s addresses still serves another certificate', async () => {
    const probe: Probe = async ({ host }) =>
      host === 'a.example' ? [served('f1')] : [served('f1'), served('f0')];
    const verification = await verify(probe);
    expect(verification.verdict).toBe('failed');
    expect(verification.endpoints.map(({ verdict }) => verdict)).toEqual(['verified', 'failed']);
    expect(listFindings(verification)).toEqual([expect.stringMatching(/^b\.example .* instead of a1/)]);
  });

  it('does not hold a missing route against an endpoint that was seen by another address', async () => {
    const verification = await verify(async () => [served('f1'), unreached('unreachable')]);
    expect(verification.verdict).toBe('verified');
  });

  it.each(['unreachable', 'refused'] as const)(
    'fails when an endpoint was not seen at all: %s',
    async (code) => {
      const verification = await verify(async () => [unreached(code)]);
      expect(verification.verdict).toBe('failed');
      expect(verification).not.toHaveProperty('daysLeft');
      expect(listFindings(verification)).toHaveLength(2);
    },
  );

  it('fails when one address refuses and another is well', async () => {
    expect((await verify(async () => [served('f1'), unreached('refused')])).verdict).toBe('failed');
  });

  it('hands the trust store, the place and the time allowed to the probe', async () => {
    const requests: Parameters<Probe>[0][] = [];
    const probe: Probe = async (request) => {
      requests.push(request);
      return [served('f1')];
    };
    const connectTo = { host: '127.0.0.1', port: 5001 };
    const policy = { domains: ['*.c.example'], endpoints: [] };
    await verify(probe, { policy, connectTo, roots: 'PEM', timeoutMillis: 7 });
    expect(requests).toEqual([
      expect.objectContaining({
        host: 'www.c.example',
        port: 443,
        connectTo,
        roots: 'PEM',
        timeoutMillis: 7,
      }),
    ]);
  });

  it('looks at no more endpoints together than allowed, and at all of them in order', async () => {
    let running = 0;
    let most = 0;
    const probe: Probe = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return [served('f1')];
    };
    const domains = Array.from({ length: 20 }, (_, index) => `d${index}.example`);
    const verification = await verify(probe, { policy: { domains, endpoints: [] }, concurrency: 3 });
    expect(most).toBe(3);
    expect(verification.endpoints.map(({ endpoint }) => endpoint)).toEqual(
      domains.map((domain) => `${domain}:443`),
    );
  });
});
