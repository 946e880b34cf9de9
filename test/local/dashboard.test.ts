import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dashboard, startDashboard } from '../../local/dashboard.ts';
import type { IssuedCertificate } from '../../shared/certificates/certificate.ts';
import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import { anIssuedCertificate, aPolicy, aRenewal, daysAfter, noon } from '../support/builders.ts';
import { createFakeClock } from '../support/fake-clock.ts';

let dashboard: Dashboard;
const certificates = createMemoryCertificateStore();
const renewals = createMemoryRenewalStore();

beforeAll(async () => {
  for (const name of ['good.example.com', 'soon.example.com', 'failing.example.com', 'gone.example.com']) {
    await certificates.track({ name, policy: aPolicy({ domains: [name] }), now: noon });
  }
  const nextActionAt = daysAfter(noon, 60);
  const record = async (name: string, issued: IssuedCertificate) => {
    const read = await certificates.get(name);
    if (read) await certificates.recordIssued({ read, issued, nextActionAt });
  };
  await record('good.example.com', anIssuedCertificate());
  const short = anIssuedCertificate({ notAfter: daysAfter(noon, 3) });
  await record('soon.example.com', short);
  await certificates.retire('gone.example.com');
  await certificates.postpone({ name: 'failing.example.com', expectedAt: noon, nextActionAt, generation: 1 });
  const lastProblem = {
    code: 'x',
    message: '<script>alert("x")</script>',
    at: noon,
    step: 'place-order' as const,
  };
  await renewals.open(aRenewal({ certificateName: 'failing.example.com', step: 'place-order', lastProblem }));
  dashboard = await startDashboard({ stores: { certificates, renewals }, clock: createFakeClock(noon) });
});
afterAll(() => dashboard.stop());

const get = (path: string, host = '127.0.0.1') =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
    (resolve, reject) => {
      const outgoing = request(new URL(path, dashboard.url), { headers: { host } }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      outgoing.on('error', reject).end();
    },
  );

it('shows what needs a person first, and nothing that is retired', async () => {
  const { status, body } = await get('/');
  expect(status).toBe(200);
  const order = ['failing', 'soon', 'good'].map((name) => body.indexOf(`${name}.example.com`));
  expect(order).toEqual(order.toSorted((left, right) => left - right));
  expect(order).not.toContain(-1);
  expect(body).not.toContain('gone.example.com');
  expect(body).toContain('3 certificates, 1 without one yet, 1 failing');
  expect(body).toContain('<span class="bad">3 days left</span>');
  expect(body).toContain('place-order failed');
});

it('shows text from outside as text, and allows no script', async () => {
  const { headers, body } = await get('/');
  expect(body).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  expect(body).not.toContain('<script');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
});

it('answers this machine alone, and one page', async () => {
  expect((await get('/', 'evil.example.com')).status).toBe(421);
  expect((await get('/etc/passwd')).status).toBe(404);
});
