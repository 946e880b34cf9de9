import { inspect } from 'node:util';
import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { toFunctionError } from '../../../local/aws/lambda/messages.ts';
import { createBatchHandler } from '../../../shared/runtime/batch-handler.ts';
import { asFailure, Failure } from '../../../shared/runtime/errors.ts';
import { createHandler } from '../../../shared/runtime/handler.ts';
import { logger } from '../../../shared/runtime/logger.ts';

const aContext = (remainingMillis = 30_000) =>
  ({
    functionName: 'a-function',
    awsRequestId: 'request-1',
    getRemainingTimeInMillis: () => remainingMillis,
  }) as Context;
// middy's type asks for a callback that its promises have no use for.
const invoke = (handler: unknown, event: unknown, context = aContext()) =>
  (handler as (event: unknown, context: Context) => Promise<unknown>)(event, context);

const logged: unknown[] = [];
beforeEach(() => {
  vi.spyOn(logger, 'error').mockImplementation((...entry) => void logged.push(entry));
});
afterEach(() => {
  logged.length = 0;
  vi.restoreAllMocks();
});

describe('a handler', () => {
  const event = z.object({ name: z.string(), count: z.number().default(1) });

  it('is given the event as its schema reads it, and the invocation', async () => {
    const handler = createHandler({
      event,
      run: async (input, { id, deadline }) => ({ input, id, remains: deadline.remainingMillis() > 27_000 }),
    });
    expect(await invoke(handler, { name: 'a', extra: 1 })).toEqual({
      input: { name: 'a', count: 1 },
      id: 'a-function/request-1',
      remains: true,
    });
  });

  it('refuses a malformed event with every problem by its path', async () => {
    const handler = createHandler({ event, run: async () => undefined });
    await expect(invoke(handler, { count: 'x' })).rejects.toMatchObject({
      code: 'invalid-event',
      message: expect.stringMatching(/name: .*; count: /),
    });
    await expect(invoke(handler, null)).rejects.toMatchObject({ code: 'invalid-event' });
  });

  it('logs a failure by its code, and answers it as the type of the error, without cause or trace', async () => {
    const cause = new Error('foreign');
    const failure = new Failure({ code: 'some-code', disposition: 'retry', message: 'some message', cause });
    const handler = createHandler({ event, run: () => Promise.reject(failure) });
    const answer = await invoke(handler, { name: 'a' }).catch((error: unknown) => error);
    expect(answer).toBeInstanceOf(Failure);
    expect(answer).toMatchObject({ code: 'some-code', name: 'some-code', disposition: 'retry' });
    expect(toFunctionError(answer)).toEqual({
      errorType: 'some-code',
      errorMessage: 'some message',
      trace: ['some-code: some message'],
    });
    expect(inspect(answer, { showHidden: true })).not.toContain('foreign');
    expect(logged).toEqual([
      ['invocation failed', { code: 'some-code', disposition: 'retry', problem: 'some message' }],
    ]);
  });

  it('names in the log of a failure what the event was about, where it can be read', async () => {
    const failure = new Failure({ code: 'some-code', disposition: 'retry', message: 'some message' });
    const about = ({ name }: { name: string }) => ({ name });
    const handler = createHandler({ event, about, run: () => Promise.reject(failure) });
    await expect(invoke(handler, { name: 'a', secret: 'b' })).rejects.toThrow();
    await expect(invoke(handler, {})).rejects.toThrow();
    expect(logged).toEqual([
      ['invocation failed', expect.objectContaining({ name: 'a', code: 'some-code' })],
      ['invocation failed', expect.not.objectContaining({ name: expect.anything() })],
    ]);
  });

  it('passes on what nobody classified, for those who mend it', async () => {
    const error = new TypeError('x is undefined');
    const handler = createHandler({ event, run: () => Promise.reject(error) });
    await expect(invoke(handler, { name: 'a' })).rejects.toBe(error);
    expect(logged).toEqual([
      ['invocation failed', { code: 'unexpected', disposition: 'bug', problem: 'x is undefined' }],
    ]);
  });

  it.each([
    ['an error', new RangeError('not a price: secret'), 'RangeError'],
    ['an error already taken for a failure', asFailure(new SyntaxError('no JSON: secret')), 'SyntaxError'],
    ['an error whose name is text', Object.assign(new Error('secret'), { name: 'the secret' }), 'Error'],
    ['text', 'secret', 'string'],
  ])('that handles data tells %s that nobody classified by its name alone', async (_what, thrown, name) => {
    const handler = createHandler({ event, unclassified: 'by-name', run: () => Promise.reject(thrown) });
    const answer = await invoke(handler, { name: 'a' }).catch((error: unknown) => error);
    const message = `an error that nobody foresaw: ${name}`;
    expect(answer).toMatchObject({ name: 'unexpected', message });
    expect(logged).toEqual([
      ['invocation failed', { code: 'unexpected', disposition: 'bug', problem: message }],
    ]);
    expect(inspect(answer, { showHidden: true })).not.toContain('secret');
  });

  it('is told to stop a little before Lambda stops it', async () => {
    const handler = createHandler({
      event,
      run: (_, { deadline }) =>
        new Promise((resolve) =>
          deadline.signal.addEventListener('abort', () => resolve(deadline.signal.reason)),
        ),
    });
    expect(await invoke(handler, { name: 'a' }, aContext(2020))).toMatchObject({ code: 'deadline' });
  });
});

describe('a batch handler', () => {
  const record = (messageId: string, body: string) => ({ messageId, body });
  const handled: string[] = [];
  const handler = createBatchHandler({
    message: z.strictObject({ name: z.string() }),
    run: async ({ name }) => {
      if (name === 'broken') throw new Failure({ code: 'x', disposition: 'retry', message: 'x' });
      handled.push(name);
    },
  });
  beforeEach(() => {
    handled.length = 0;
  });

  it('reports for redelivery what failed, and that alone', async () => {
    const Records = [
      record('1', '{"name":"a"}'),
      record('2', '{"name":"broken"}'),
      record('3', 'no JSON'),
      record('4', '{"name":"b","more":1}'),
      record('5', '{"name":"c"}'),
    ];
    const answer = (await invoke(handler, { Records })) as {
      batchItemFailures: { itemIdentifier: string }[];
    };
    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual([
      '2',
      '3',
      '4',
    ]);
    expect(handled).toEqual(['a', 'c']);
  });

  it('reports nothing when all went well', async () => {
    expect(await invoke(handler, { Records: [record('1', '{"name":"a"}')] })).toEqual({
      batchItemFailures: [],
    });
  });

  it('fails as a whole when every message failed', async () => {
    await expect(invoke(handler, { Records: [record('1', '{"name":"broken"}')] })).rejects.toThrow();
  });

  it('refuses what is no SQS event', async () => {
    await expect(invoke(handler, { records: [] })).rejects.toMatchObject({ code: 'invalid-event' });
  });
});
