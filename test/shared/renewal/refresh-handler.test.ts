import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refreshRenewalInfo } from '../../../events/refresh-renewal-info.ts';
import type { OpenSession } from '../../../shared/acme/connection.ts';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { createRefreshHandler } from '../../../shared/renewal/refresh-handler.ts';
import { logger, metrics } from '../../../shared/runtime/logger.ts';
import { anIssuedCertificate, aPolicy, noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const directoryUrl = 'https://ca.example/directory';
const explanationURL = 'https://ca.example/why';
const session: OpenSession = {
  meta: async () => ({}),
  resourceUrl: async () => directoryUrl,
  renewalInfoUrl: async () => 'https://ca.example/ari',
  getOpen: async () => ({
    status: 200,
    headers: {},
    data: { suggestedWindow: { start: '2027-01-18T12:00:00Z', end: '2027-01-20T12:00:00Z' }, explanationURL },
  }),
  retryAfterSeconds: () => undefined,
};

const logged: Record<string, unknown[]> = { info: [], warn: [], error: [] };
beforeEach(() => {
  vi.spyOn(metrics, 'addMetric').mockReturnValue(metrics);
  for (const level of ['info', 'warn', 'error'] as const) {
    logged[level] = [];
    vi.spyOn(logger, level).mockImplementation((...entry) => void logged[level]?.push(entry));
  }
});
afterEach(() => vi.restoreAllMocks());

async function invoke(...bodies: string[]) {
  const certificates = createMemoryCertificateStore();
  for (const [name, issuer] of [
    ['a.example.com', directoryUrl] as const,
    ['b.example.com', 'https://gone.example/'] as const,
  ]) {
    await certificates.track({ name, policy: aPolicy({ domains: [name] }), now: noon });
    const read = await certificates.get(name);
    const issuedBy = { directoryUrl: issuer, accountUrl: 'https://ca.example/1', certificateId: name };
    const issued = anIssuedCertificate({ domains: [name], issuedBy });
    if (read) await certificates.recordIssued({ read, issued, nextActionAt: noon });
  }
  const handler = createRefreshHandler({
    message: refreshRenewalInfo,
    ports: {
      certificates,
      clock: createFakeClock(noon),
      random: () => 0.5,
      sessionFor: async (issuer) => (issuer.directoryUrl === directoryUrl ? session : undefined),
    },
  });
  const Records = bodies.map((body, index) => ({ messageId: String(index), body, eventSource: 'aws:sqs' }));
  const context = {
    functionName: 'refresh-renewal-info',
    awsRequestId: 'request-1',
    getRemainingTimeInMillis: () => 30_000,
  } as Context;
  // middy's type asks for a callback that its promises have no use for.
  const run = handler as unknown as (event: unknown, context: Context) => Promise<unknown>;
  return run({ Records }, context);
}

describe('the worker that refreshes renewal information', () => {
  it('tells people why a window is as it is, and what could not be asked', async () => {
    const certificateNames = ['a.example.com', 'b.example.com'];
    const answer = await invoke(JSON.stringify({ certificateNames, runId: 'run-1' }));
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(metrics.addMetric).toHaveBeenCalledWith('RenewalInfoRefreshed', 'Count', 1);
    expect(metrics.addMetric).toHaveBeenCalledWith('RenewalInfoFailed', 'Count', 1);
    expect(logged.info).toContainEqual([
      'the CA explains its renewal window',
      { certificateName: 'a.example.com', runId: 'run-1', explanationUrl: explanationURL },
    ]);
    expect(logged.warn).toMatchObject([
      [
        'renewal information was not to be had',
        { certificateName: 'b.example.com', code: 'ca-not-configured' },
      ],
    ]);
  });

  it('has a malformed message delivered again, alone', async () => {
    const answer = await invoke('{"certificateNames": []}', '{"certificateNames": ["a.example.com"]}');
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '0' }] });
  });
});
