import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDynamoDbCertificateStore } from '../../../shared/certificates/store.dynamodb.ts';
import { ordersKey } from '../../../shared/limits/bucket-keys.ts';
import { createDynamoDbBucketItems } from '../../../shared/limits/bucket-store.dynamodb.ts';
import { createBucketStore } from '../../../shared/limits/bucket-store.ts';
import { planRenewals } from '../../../shared/renewal/plan-renewals.ts';
import { scheduleRenewals } from '../../../shared/renewal/schedule.ts';
import { createDynamoDbRenewalStore } from '../../../shared/renewal/store.dynamodb.ts';
import { aPolicy, noon } from '../../support/builders.ts';
import { startTables } from '../../support/tables.ts';
import { createScene, letsEncrypt } from './schedule-scene.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

it('a backlog is planned in DynamoDB as it is in memory, and two ticks at once do nothing twice', async () => {
  const { ports: memory, clock } = createScene({ firstChoice: letsEncrypt });
  const { client, createTable } = tables;
  const ports = {
    ...memory,
    certificates: createDynamoDbCertificateStore(client, await createTable('CertificatesTable')),
    renewals: createDynamoDbRenewalStore(client, await createTable('RenewalsTable')),
    buckets: createBucketStore(createDynamoDbBucketItems(client, await createTable('RateLimitsTable')), {
      clock,
      random: () => 0.5,
    }),
  };
  const names = Array.from({ length: 280 }, (_, index) => `www.n${index}.com`);
  for (const name of names)
    await ports.certificates.track({ name, policy: aPolicy({ domains: [name] }), now: noon });

  const plan = () => planRenewals({ tickSeconds: 60, dueWithinHours: 0 }, ports);
  const finishedAt = new Date(noon.getTime() + 10 * 36_000).toISOString();
  expect(await plan()).toMatchObject({ due: 280, admittedNow: 270, waiting: 10, finishedAt });

  const tick = () => scheduleRenewals({ runId: 'r', tickSeconds: 60, limitPerShard: 100 }, ports);
  const results = await Promise.all([tick(), tick()]);
  expect(results.flatMap(({ opened }) => opened)).toHaveLength(270);
  expect(memory.queue.take('renew-certificate')).toHaveLength(270);
  const bucket = (await ports.buckets.read([ordersKey('lets-encrypt', 'default')])).values().next().value;
  expect(bucket?.plannedUntil).toEqual(new Date(noon.getTime() + 280 * 36_000));
  expect(await plan()).toMatchObject({ due: 0, finishedAt });

  clock.advance(60_000);
  expect(await tick()).toMatchObject({ planned: 0, resumed: [] });
  expect(memory.queue.take('renew-certificate')).toHaveLength(1);
}, 60_000);
