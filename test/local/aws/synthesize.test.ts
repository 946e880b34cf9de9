import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { synthesizeTemplate } from '../../../local/aws/synthesize.ts';
import { readTemplate } from '../../../local/aws/template.ts';

let cacheDirectory: string;
beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'certfleet-synthesis-test-'));
});
afterEach(() => rm(cacheDirectory, { recursive: true }));

test('serverless.yml becomes a template the embedded AWS can build, even twice at once', async () => {
  const both = [1, 2].map(() => synthesizeTemplate({ stage: 'dev', cacheDirectory }));
  const [one, other] = await Promise.all(both);
  const deployment = { region: 'eu-west-1', sqsEndpoint: 'http://127.0.0.1:1' };
  const plan = one && readTemplate(one, deployment);
  expect(plan?.functions.map(({ bundle }) => bundle)).toContain('renew-certificate');
  expect(plan?.eventSources.length).toBeGreaterThan(0);
  expect(other && readTemplate(other, deployment)).toEqual(plan);

  const [kept = '', ...others] = await readdir(cacheDirectory);
  expect(others).toEqual([]);
  await writeFile(join(cacheDirectory, kept), '{"Resources":{}}');
  const again = await synthesizeTemplate({ stage: 'dev', cacheDirectory });
  expect(again, 'an unchanged definition is not synthesized again').toEqual({ Resources: {} });
});

test('a refusal shows what the tool said', async () => {
  const refused = synthesizeTemplate({ stage: 'not a stage', cacheDirectory });
  await expect(refused).rejects.toMatchObject({ code: 'synthesis-failed', message: /stage/i });
  expect(await readdir(cacheDirectory)).toEqual([]);
});
