import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answerChallenge } from '../../events/answer-challenge.ts';
import { collectInventory } from '../../events/collect-inventory.ts';
import { etlChunk } from '../../events/etl-chunk.ts';
import { manageAccount } from '../../events/manage-account.ts';
import { renewalWork } from '../../events/renewal-work.ts';
import { reportEtl } from '../../events/report-etl.ts';
import { reportRun } from '../../events/report-run.ts';
import { revokeCertificate } from '../../events/revoke-certificate.ts';
import { scheduleRenewals } from '../../events/schedule-renewals.ts';
import { startEtl } from '../../events/start-etl.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const sample = (name: string) => JSON.parse(readFileSync(path(`events/samples/${name}.json`), 'utf8'));

describe('every function', () => {
  const functions = readdirSync(path('functions'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name.replace('.ts', ''))
    .sort();
  const serverless = readFileSync(path('serverless.yml'), 'utf8');

  it('has a sample event and a block in serverless.yml', () => {
    const samples = readdirSync(path('events/samples')).map((name) => name.replace('.json', ''));
    expect(samples.sort()).toEqual(functions);
    const blocks = [...serverless.matchAll(/^ {2}([a-z-]+):\n {4}description:/gm)].map(([, name]) => name);
    expect(blocks.sort()).toEqual(functions);
  });
});

it.each([
  ['collect-inventory', collectInventory],
  ['schedule-renewals', scheduleRenewals],
  ['report-run', reportRun],
  ['answer-challenge', answerChallenge],
  ['revoke-certificate', revokeCertificate],
  ['manage-account', manageAccount],
  ['start-etl', startEtl],
  ['extract-records', etlChunk],
  ['transform-records', etlChunk],
  ['load-records', etlChunk],
  ['report-etl', reportEtl],
])('the sample of %s fits its schema', (name, schema) => {
  expect(schema.safeParse(sample(name)).error).toBeUndefined();
});

it.each(['renew-certificate', 'deploy-certificate', 'verify-certificate'])(
  'the messages in the sample of %s fit their schema',
  (name) => {
    for (const { body } of sample(name).Records) {
      expect(renewalWork.safeParse(JSON.parse(body)).error).toBeUndefined();
    }
  },
);

it('a message with a field too many, or one too few, is refused', () => {
  const work = { certificateName: 'a.example.com', generation: 1, runId: 'r' };
  expect(renewalWork.safeParse(work).success).toBe(true);
  expect(renewalWork.safeParse({ ...work, privateKey: 'x' }).success).toBe(false);
  expect(renewalWork.safeParse({ ...work, generation: 0 }).success).toBe(false);
});
