import { GetQueueUrlCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { refreshRenewalInfo } from '../../../events/refresh-renewal-info.ts';
import { createMemoryRefreshQueue } from '../../../shared/renewal/refresh-queue.memory.ts';
import { createSqsRefreshQueue } from '../../../shared/renewal/refresh-queue.sqs.ts';

const names = Array.from({ length: 1234 }, (_, index) => `h${index}.example.com`);

/** An SQS that refuses the entries that `refuses` says, and keeps the others. */
function createFakeSqs(refuses: (call: number, body: string) => boolean = () => false) {
  const accepted: string[] = [];
  const calls: number[] = [];
  const send = async (command: unknown) => {
    if (command instanceof GetQueueUrlCommand) {
      if (command.input.QueueName === 'absent') throw new Error('no such queue');
      return { QueueUrl: 'https://sqs.example/refresh' };
    }
    const { Entries = [] } = (command as SendMessageBatchCommand).input;
    expect(command).toBeInstanceOf(SendMessageBatchCommand);
    calls.push(Entries.length);
    const Failed = Entries.filter(({ MessageBody = '' }) => refuses(calls.length, MessageBody));
    accepted.push(
      ...Entries.filter((entry) => !Failed.includes(entry)).map(({ MessageBody = '' }) => MessageBody),
    );
    return { Failed: Failed.map(({ Id }) => ({ Id, Code: 'InternalError' })) };
  };
  return { client: { send } as unknown as SQSClient, accepted, calls };
}

const namesIn = (bodies: readonly string[]) => bodies.flatMap((body) => JSON.parse(body).certificateNames);

describe('the refresh queue on SQS', () => {
  it('sends every name once, fifty to a message that fits the schema, ten messages to a call', async () => {
    const { client, accepted, calls } = createFakeSqs();
    await createSqsRefreshQueue(client, 'refresh').send(names);
    expect(calls).toEqual([10, 10, 5]);
    expect(namesIn(accepted)).toEqual(names);
    for (const body of accepted) expect(refreshRenewalInfo.parse(JSON.parse(body))).toBeTruthy();
  });

  it('F21: sends again what SQS refused in a call that succeeded, and that alone', async () => {
    const { client, accepted, calls } = createFakeSqs((call, body) => call === 1 && !body.includes('h0.'));
    await createSqsRefreshQueue(client, 'refresh').send(names.slice(0, 500));
    expect(calls).toEqual([10, 9]);
    expect(namesIn(accepted).toSorted()).toEqual(names.slice(0, 500).toSorted());
  });

  it('gives up on what is refused three times, naming the queue', async () => {
    const { client, calls } = createFakeSqs(() => true);
    await expect(createSqsRefreshQueue(client, 'refresh').send(['a.example.com'])).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: expect.stringMatching(/queue refresh .*InternalError/),
    });
    expect(calls).toEqual([1, 1, 1]);
  });

  it('asks for its URL again after it could not be had', async () => {
    await expect(createSqsRefreshQueue(createFakeSqs().client, 'absent').send(names)).rejects.toMatchObject({
      code: 'queue-unavailable',
    });
  });

  it('calls nobody for no names', async () => {
    const { client, calls } = createFakeSqs();
    await createSqsRefreshQueue(client, 'refresh').send([]);
    expect(calls).toEqual([]);
  });
});

it('the refresh queue in memory keeps the messages until they are taken', async () => {
  const queue = createMemoryRefreshQueue();
  await queue.send(names.slice(0, 60));
  await queue.send(['z.example.com']);
  expect(queue.take().map(({ length }) => length)).toEqual([50, 10, 1]);
  expect(queue.take()).toEqual([]);
});
