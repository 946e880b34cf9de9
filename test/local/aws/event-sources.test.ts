import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type EventSource, startEventSource } from '../../../local/aws/event-sources.ts';
import { clientSettings } from '../../../local/aws/function-environment.ts';
import { type Lambda, startLambda } from '../../../local/aws/lambda/service.ts';
import { type Messaging, startMessaging } from '../../../local/aws/messaging.ts';
import type { EventSourcePlan } from '../../../local/aws/stack-plan.ts';
import { aFunction, aStack, writeBundles } from './functions.builder.ts';

const queueArn = 'arn:aws:sqs:eu-west-1:000000000000:work';
const patience = { timeout: 15_000, interval: 20 };

let bundles: Awaited<ReturnType<typeof writeBundles>>;
let messaging: Messaging;
let lambda: Lambda | undefined;
let source: EventSource | undefined;
let printed = '';

beforeAll(async () => {
  const record = 'event.Records.map((each) => each.body).join()';
  bundles = await writeBundles({
    succeed: `console.log("got", ${record});`,
    show: 'console.log(JSON.stringify(event.Records[0]));',
    refuse: `console.log("got", ${record}); return { batchItemFailures: event.Records.filter((each) => each.body === "bad").map((each) => ({ itemIdentifier: each.messageId })) };`,
    misname: `console.log("got", ${record}); return { batchItemFailures: [{ itemIdentifier: "of another batch" }] };`,
    throw: `console.log("got", ${record}); throw new Error("no");`,
    linger:
      'console.log("enter"); await new Promise((resolve) => setTimeout(resolve, 30)); console.log("leave");',
  });
});
afterAll(() => bundles.remove());
afterEach(async () => {
  await source?.stop(1000);
  await lambda?.stop();
  await messaging.stop();
});

async function start(
  bundle: string,
  options: { plan?: Partial<EventSourcePlan>; maxReceiveCount?: number } = {},
) {
  printed = '';
  messaging = await startMessaging(clientSettings('eu-west-1'));
  await messaging.sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: 'arn:aws:sqs:eu-west-1:000000000000:dead',
    maxReceiveCount: options.maxReceiveCount ?? 2,
  });
  const Attributes = { VisibilityTimeout: '1', RedrivePolicy };
  await messaging.sqs.send(new CreateQueueCommand({ QueueName: 'work', Attributes }));
  const functionPlan = aFunction(bundle);
  const plan: EventSourcePlan = {
    functionName: functionPlan.name,
    queueArn,
    batchSize: 10,
    batchingWindowSeconds: 0,
    maximumConcurrency: 2,
    batchResponse: 'item-failures',
    ...options.plan,
  };
  lambda = startLambda({
    plan: aStack({ functions: [functionPlan], eventSources: [plan] }),
    bundles: bundles.directory,
    environmentOf: () => ({}),
    deliver: messaging.deliver,
    onLog: (_name, text) => {
      printed += text;
    },
  });
  const queueUrl = messaging.queueUrlOf('work');
  return () => {
    source = startEventSource({
      plan,
      region: 'eu-west-1',
      queueUrl,
      sqs: messaging.sqs,
      lambda: lambda as Lambda,
    });
  };
}

const send = (...bodies: string[]) =>
  messaging.sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: messaging.queueUrlOf('work'),
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );

async function left(queue: string): Promise<number> {
  const { Attributes = {} } = await messaging.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: messaging.queueUrlOf(queue), AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible)
  );
}

async function deadBodies(): Promise<(string | undefined)[]> {
  const { Messages = [] } = await messaging.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: messaging.queueUrlOf('dead'), MaxNumberOfMessages: 10 }),
  );
  return Messages.map(({ Body }) => Body).sort();
}

test('messages come in batches and are deleted when the function succeeds', async () => {
  const poll = await start('succeed', { plan: { batchSize: 3, maximumConcurrency: 1 } });
  await send('a', 'b', 'c', 'd');
  poll();
  await expect.poll(() => left('work'), patience).toBe(0);
  expect(printed.match(/got .*/g)).toEqual(['got a,b,c', 'got d']);
});

test('a batching window gathers what arrives meanwhile', async () => {
  const poll = await start('succeed', {
    plan: { batchSize: 3, batchingWindowSeconds: 5, maximumConcurrency: 1 },
  });
  await send('a');
  poll();
  await expect.poll(() => left('work'), patience).toBe(1);
  await send('b', 'c');
  await expect.poll(() => left('work'), patience).toBe(0);
  expect(printed.match(/got .*/g)).toEqual(['got a,b,c']);
});

test('a record has the shape AWS gives it', async () => {
  const poll = await start('show');
  const MessageAttributes = { kind: { DataType: 'String', StringValue: 'test' } };
  const QueueUrl = messaging.queueUrlOf('work');
  await messaging.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"a":1}', MessageAttributes }));
  poll();
  await expect.poll(() => left('work'), patience).toBe(0);
  expect(JSON.parse(/^\{.*\}$/m.exec(printed)?.[0] ?? '')).toEqual({
    messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    receiptHandle: expect.any(String),
    body: '{"a":1}',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
      SenderId: expect.any(String),
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
    },
    messageAttributes: {
      kind: { stringValue: 'test', stringListValues: [], binaryListValues: [], dataType: 'String' },
    },
    md5OfMessageAttributes: expect.any(String),
    md5OfBody: 'bb6cb5c68df4652941caf652a366f2d8',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: 'eu-west-1',
  });
});

test('only the failed message of a batch returns, and ends in the dead-letter queue', async () => {
  const poll = await start('refuse', { plan: { maximumConcurrency: 1 } });
  await send('good', 'bad');
  poll();
  await expect.poll(deadBodies, patience).toEqual(['bad']);
  expect(printed.match(/got .*/g)).toEqual(['got good,bad', 'got bad']);
  expect(await left('work')).toBe(0);
});

test.each(['misname', 'throw'])(
  'when the function does %s, every message of the batch returns',
  async (bundle) => {
    const poll = await start(bundle, { maxReceiveCount: 1 });
    await send('one', 'two');
    poll();
    await expect.poll(deadBodies, patience).toEqual(['one', 'two']);
  },
);

test('without item failures the answer is not read', async () => {
  const poll = await start('misname', { plan: { batchResponse: 'all-or-nothing' } });
  await send('one');
  poll();
  await expect.poll(() => left('work'), patience).toBe(0);
  expect(await deadBodies()).toEqual([]);
});

test('as many batches run at once as the mapping allows', async () => {
  const poll = await start('linger', { plan: { batchSize: 1, maximumConcurrency: 2 } });
  await send('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  poll();
  await expect.poll(() => left('work'), patience).toBe(0);
  let open = 0;
  const depths = (printed.match(/enter|leave/g) ?? []).map((word) => {
    open += word === 'enter' ? 1 : -1;
    return open;
  });
  expect(Math.max(...depths)).toBe(2);
  expect(depths).toHaveLength(16);
});

test('after a stop nothing is received, and a batch in flight is finished', async () => {
  const poll = await start('linger', { plan: { batchSize: 1, maximumConcurrency: 1 } });
  await send('a', 'b');
  poll();
  await expect.poll(() => printed, patience).toContain('enter');
  await source?.stop(5000);
  expect(printed.match(/enter|leave/g)).toEqual(['enter', 'leave']);
  expect(await left('work')).toBe(1);
});
