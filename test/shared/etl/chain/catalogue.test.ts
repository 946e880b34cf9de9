import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { createS3Catalogue } from '../../../../shared/etl/chain/catalogue.s3.ts';

/** A bucket that lists `pageSize` keys at a time, as S3 does a thousand. */
function bucketOf(keys: readonly string[], pageSize: number): S3Client {
  const send = async (command: unknown) => {
    if (!(command instanceof ListObjectsV2Command)) throw new Error('nothing else is asked here');
    const from = Number(command.input.ContinuationToken ?? 0);
    const next = from + pageSize;
    return {
      Contents: keys.slice(from, next).map((Key) => ({ Key })),
      NextContinuationToken: next < keys.length ? String(next) : undefined,
    };
  };
  return { send } as unknown as S3Client;
}

it('a catalogue names every pipeline, however many pages its bucket lists', async () => {
  const names = Array.from({ length: 7 }, (_, number) => `p${number}`);
  const keys = [...names.map((name) => `pipelines/${name}.json`), 'pipelines/', 'pipelines/old/x.json'];
  expect(await createS3Catalogue(bucketOf(keys, 3), 'pipelines').list()).toEqual(names);
});

it.each([
  '{"name": "orders", "description": "Jane Doe, 4 Elm Street", }',
  'Jane Doe',
  '{"a": "Jane Doe"',
  '{"a": Jane Doe (line 1 column 2)',
])('a definition that is no JSON is not quoted: %s', async (text) => {
  const client = { send: async () => ({ Body: { transformToString: async () => text } }) };
  const reading = createS3Catalogue(client as unknown as S3Client, 'pipelines').read('orders');
  const failure = await reading.catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'definition-unreadable',
    disposition: 'give-up',
    message: expect.stringMatching(
      /^s3:\/\/pipelines\/pipelines\/orders\.json is no JSON( \(line \d+ column \d+\))?$/,
    ),
  });
});
