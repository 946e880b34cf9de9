import { describe, expect, it } from 'vitest';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { createMemoryBucketItems } from '../../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../../shared/limits/bucket-store.ts';
import { createLimiter } from '../../../shared/limits/limiter.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { recordCertificate } from '../../../shared/renewal/steps/collect.ts';
import type { IssuePorts } from '../../../shared/renewal/steps/issue-step.ts';
import { anIssuedCertificate, aPolicy, aRenewal, daysAfter, noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const name = 'www.example.com';

function createScene() {
  const certificates = createMemoryCertificateStore();
  const issued = anIssuedCertificate();
  const lease = { owner: 'w', until: daysAfter(noon, 1), fence: 1, takenOver: false };
  const ca = { directoryUrl: 'https://ca.example.org/directory', rehearsal: false };
  const context = {
    renewal: { ...aRenewal({ issued, ca, step: 'record-certificate' }), lease },
    resumed: false,
    polls: 0,
    signal: new AbortController().signal,
    ensureTime: () => undefined,
  };
  const clock = createFakeClock(noon);
  const store = createBucketStore(createMemoryBucketItems(), { clock, random: () => 0.5 });
  const limiter = createLimiter({ store, limitsFor: publishedLimits, clock });
  const record = (tracked = certificates) =>
    recordCertificate(context, { certificates: tracked, limiter, clock } as unknown as IssuePorts, {});
  return { certificates, issued, record };
}

describe('recording an issued certificate', () => {
  it('sets its next time by its lifetime', async () => {
    const { certificates, record } = createScene();
    await certificates.track({ name, policy: aPolicy(), now: noon });
    await record();
    expect((await certificates.get(name))?.nextActionAt).toEqual(daysAfter(noon, 60));
  });

  it('keeps a certificate due whose names changed while the CA worked', async () => {
    const { certificates, issued, record } = createScene();
    await certificates.track({ name, policy: aPolicy(), now: noon });
    const changed = aPolicy({ domains: [name, 'example.com'] });
    await certificates.changePolicy({ name, policy: changed, now: daysAfter(noon, -1) });
    await record();
    expect(await certificates.get(name)).toMatchObject({
      current: issued,
      nextActionAt: noon,
      policy: changed,
    });
  });

  it('reads again when the policy changes between reading and writing', async () => {
    const { certificates, record } = createScene();
    await certificates.track({ name, policy: aPolicy(), now: noon });
    let interfered = false;
    await record({
      ...certificates,
      async recordIssued(change) {
        if (!interfered) {
          interfered = true;
          const policy = aPolicy({ renewDaysBefore: 10 });
          await certificates.changePolicy({ name, policy, now: daysAfter(noon, 1) });
        }
        return certificates.recordIssued(change);
      },
    });
    expect((await certificates.get(name))?.nextActionAt).toEqual(daysAfter(noon, 80));
  });

  it('does nothing when it was recorded before, or the certificate is gone', async () => {
    const { certificates, record } = createScene();
    expect(await record()).toEqual({ kind: 'done' });
    await certificates.track({ name, policy: aPolicy(), now: noon });
    await record();
    expect(await record()).toEqual({ kind: 'done' });
  });
});
