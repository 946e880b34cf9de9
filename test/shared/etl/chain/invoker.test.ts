import type { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { createLambdaInvoker } from '../../../../shared/etl/chain/invoker.aws.ts';

function createClient(fails = false) {
  const sent: unknown[] = [];
  const send = async ({ input }: InvokeCommand) => {
    if (fails) throw Object.assign(new Error('quoting {"pipeline":"orders"}'), { name: 'TooManyRequests' });
    sent.push([input.FunctionName, input.InvocationType, JSON.parse(String(input.Payload))]);
    return {};
  };
  return { sent, client: { send } as unknown as LambdaClient };
}

it('asks for each certificate by itself, so that one nobody knows takes no other with it', async () => {
  const { sent, client } = createClient();
  await createLambdaInvoker(client, 'certfleet-dev').renew(['a.example.com', 'b.example.com']);
  const asked = (name: string) => [
    'certfleet-dev-schedule-renewals',
    'Event',
    { trigger: 'manual', force: true, names: [name] },
  ];
  expect(sent).toEqual([asked('a.example.com'), asked('b.example.com')]);
});

it('sends pointers alone', async () => {
  const { sent, client } = createClient();
  const chunk = { pipeline: 'orders', runId: 'r', chunkId: 'c', slice: { kind: 'range', from: 'secret' } };
  await createLambdaInvoker(client, 'certfleet-dev').carry('load', chunk);
  expect(sent).toEqual([
    ['certfleet-dev-load-records', 'Event', { pipeline: 'orders', runId: 'r', chunkId: 'c' }],
  ]);
});

it('translates a refusal once, to be tried again', async () => {
  const { client } = createClient(true);
  const started = createLambdaInvoker(client, 'certfleet-dev').renew(['a.example.com']);
  await expect(started).rejects.toMatchObject({ code: 'invoke-unavailable', disposition: 'retry' });
  await expect(started).rejects.toThrow(/^certfleet-dev-schedule-renewals .*TooManyRequests/);
});
