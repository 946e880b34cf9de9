import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { clientSettings } from '../../../../local/aws/function-environment.ts';
import type { Endpoint } from '../../../../local/aws/http-endpoint.ts';
import { startLambdaEndpoint } from '../../../../local/aws/lambda/endpoint.ts';
import { type Lambda, type LambdaOptions, startLambda } from '../../../../local/aws/lambda/service.ts';
import type { AsyncInvokePlan, FunctionPlan } from '../../../../local/aws/stack-plan.ts';
import { aFunction, aStack, writeBundles } from '../functions.builder.ts';

let bundles: Awaited<ReturnType<typeof writeBundles>>;
beforeAll(async () => {
  bundles = await writeBundles({
    echo: 'return { event, count, secret: process.env.SECRET };',
    describe:
      'const { getRemainingTimeInMillis, ...rest } = context; return { ...rest, left: getRemainingTimeInMillis() };',
    print: 'console.log("to stdout"); console.error("to stderr"); return null;',
    flood: 'console.log("x".repeat(10_000) + "END OF FLOOD");',
    throw: 'const error = new RangeError("too far"); throw error;',
    spin: 'for (;;) {}',
    wait: 'await new Promise((resolve) => setTimeout(resolve, event.millis)); return count;',
    exit: 'process.exit(event.code);',
    crash: 'setImmediate(() => { throw new Error("nobody listens"); }); await new Promise(() => {});',
    devour: 'const kept = []; for (;;) kept.push(new Array(100_000).fill({}));',
    huge: 'return "x".repeat(7_000_000);',
  });
});
afterAll(() => bundles.remove());

let lambda: Lambda;
let logged = '';
const delivered: { arn: string; record: Record<string, unknown> }[] = [];
function start(
  functions: FunctionPlan[],
  options: Partial<LambdaOptions> & { asyncInvokes?: AsyncInvokePlan[] } = {},
) {
  logged = '';
  delivered.length = 0;
  lambda = startLambda({
    plan: aStack({ functions, asyncInvokes: options.asyncInvokes ?? [] }),
    bundles: bundles.directory,
    environmentOf: ({ environment }) => environment,
    deliver: async (arn, record) => {
      delivered.push({ arn, record: JSON.parse(record) });
    },
    onLog: (_name, text) => {
      logged += text;
    },
    asyncRetryDelaysMillis: [1],
    ...options,
  });
}
afterEach(() => lambda.stop());

async function invoke(name: string, event: unknown = {}) {
  const result = await lambda.invoke(name, { payload: JSON.stringify(event) });
  return result.kind === 'returned' ? JSON.parse(result.payload) : result.error;
}

describe('an invocation', () => {
  test('calls the handler with the event and the function’s own environment', async () => {
    start([aFunction('echo', { environment: { SECRET: 'its own' } })]);
    expect(await invoke('echo', { a: 1 })).toEqual({ event: { a: 1 }, count: 1, secret: 'its own' });
    expect(process.env.SECRET).toBeUndefined();
  });

  test('tells the handler who it is and how long it has', async () => {
    start([aFunction('describe', { timeoutSeconds: 5, memoryMegabytes: 192 })]);
    const context = await invoke('describe');
    expect(context).toMatchObject({
      functionName: 'fleet-dev-describe',
      memoryLimitInMB: '192',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:fleet-dev-describe',
    });
    expect(context.left).toBeGreaterThan(3000);
    expect(context.left).toBeLessThanOrEqual(5000);
  });

  test('reuses a warm environment', async () => {
    start([aFunction('echo')]);
    await invoke('echo');
    expect(await invoke('echo')).toMatchObject({ count: 2 });
    expect(logged.match(/Init Duration/g)).toHaveLength(1);
  });

  test('runs as many at once as there are environments, and the others in turn', async () => {
    start([aFunction('wait', { reservedConcurrency: 2 })]);
    const counts = await Promise.all([1, 2, 3, 4, 5].map(() => invoke('wait', { millis: 20 })));
    // Each environment counts its own: two began, and how they shared the rest is chance.
    expect(counts).toHaveLength(5);
    expect(counts.filter((count) => count === 1)).toHaveLength(2);
  });

  test('logs what it printed between START and END, in order', async () => {
    start([aFunction('print')]);
    const { logTail } = await lambda.invoke('print', { payload: '{}', requestId: 'the-id' });
    expect(logTail).toMatch(
      /^START RequestId: the-id .*\nto stdout\nto stderr\nEND RequestId: the-id\nREPORT RequestId: the-id\tDuration: [\d.]+ ms/,
    );
    expect(logged).toBe(logTail);
  });

  test('keeps the last 4 KiB of a long log', async () => {
    start([aFunction('flood')]);
    const { logTail } = await lambda.invoke('flood', { payload: '{}' });
    expect(Buffer.byteLength(logTail)).toBe(4096);
    expect(logTail).toContain('END OF FLOOD\nEND RequestId');
  });
});

describe('a failing function', () => {
  test('answers the error that was thrown, and stays warm', async () => {
    start([aFunction('throw')]);
    const error = await invoke('throw');
    expect(error).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect(error.trace[0]).toBe('RangeError: too far');
    await invoke('throw');
    expect(logged.match(/Init Duration/g)).toHaveLength(1);
  });

  test.each([
    ['spin', {}, 'Sandbox.Timedout', 'Task timed out after 0.20 seconds'],
    ['wait', { millis: 60_000 }, 'Sandbox.Timedout', 'Task timed out after 0.20 seconds'],
    ['exit', { code: 3 }, 'Runtime.ExitError', 'exit status 3'],
    ['exit', { code: 0 }, 'Runtime.ExitError', 'without providing a reason'],
    ['crash', {}, 'Error', 'nobody listens'],
    ['huge', {}, 'Function.ResponseSizeTooLarge', 'exceeded maximum allowed payload size'],
  ])(
    'that %ss with %j answers %s, and the next invocation works',
    async (name, event, errorType, message) => {
      start([aFunction(name, { timeoutSeconds: 0.2 }), aFunction('echo')]);
      expect(await invoke(name, event)).toMatchObject({
        errorType,
        errorMessage: expect.stringContaining(message),
      });
      expect(await invoke(name, event)).toMatchObject({ errorType });
      expect(await invoke('echo', 1)).toMatchObject({ event: 1 });
    },
  );

  test('that devours its memory ends alone', async () => {
    start([aFunction('devour', { memoryMegabytes: 32 }), aFunction('echo')]);
    expect(await invoke('devour')).toMatchObject({ errorType: 'Runtime.OutOfMemory' });
    expect(await invoke('echo', 1)).toMatchObject({ event: 1 });
  });

  test('without a bundle or an export answers that, every time', async () => {
    start([aFunction('absent'), aFunction('echo', { handler: 'main' })]);
    for (const _attempt of [1, 2]) {
      expect((await invoke('absent')).errorMessage).toContain('absent.cjs');
      expect(await invoke('echo')).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
    }
  });
});

describe('an asynchronous invocation', () => {
  const onFailureArn = 'arn:aws:sqs:eu-west-1:000000000000:failed';
  const asyncInvokes = (retryAttempts: number, maximumAgeSeconds = 60): AsyncInvokePlan[] => [
    { functionName: 'fleet-dev-throw', retryAttempts, maximumAgeSeconds, onFailureArn },
  ];
  const delivery = () => expect.poll(() => delivered.length, { timeout: 10_000 }).toBe(1);

  test('is tried again and then sent to the failure destination', async () => {
    start([aFunction('throw')], { asyncInvokes: asyncInvokes(2) });
    const requestId = lambda.invokeAsync('throw', { payload: '{"certificate":"example.com"}' });
    await delivery();
    expect(logged.match(/START RequestId/g)).toHaveLength(3);
    expect(delivered[0]).toEqual({
      arn: onFailureArn,
      record: {
        version: '1.0',
        timestamp: expect.any(String),
        requestContext: {
          requestId,
          functionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:fleet-dev-throw:$LATEST',
          condition: 'RetriesExhausted',
          approximateInvokeCount: 3,
        },
        requestPayload: { certificate: 'example.com' },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        responsePayload: expect.objectContaining({ errorType: 'RangeError' }),
      },
    });
  });

  test('is not tried again when the next attempt would come after its age limit', async () => {
    start([aFunction('throw')], { asyncInvokes: asyncInvokes(2, 60), asyncRetryDelaysMillis: [61_000] });
    lambda.invokeAsync('throw', { payload: '{}' });
    await delivery();
    expect(delivered[0]?.record).toMatchObject({ requestContext: { condition: 'EventAgeExceeded' } });
  });

  test('waiting for its next attempt does not keep the service from stopping', async () => {
    start([aFunction('throw')], { asyncRetryDelaysMillis: [60_000] });
    lambda.invokeAsync('throw', { payload: '{}' });
    await expect.poll(() => logged).toContain('REPORT');
    await lambda.stop();
    expect(delivered).toEqual([]);
  });
});

test('stopping ends invocations in flight, and those that wait', async () => {
  start([aFunction('spin', { reservedConcurrency: 1 })]);
  const running = invoke('spin');
  const waiting = invoke('spin');
  const refused = expect(waiting).rejects.toMatchObject({ code: 'lambda-stopped' });
  await expect.poll(() => logged, { timeout: 10_000 }).toContain('START');
  await lambda.stop();
  expect(await running).toMatchObject({ errorType: 'Runtime.ExitError' });
  await refused;
});

describe('over HTTP', () => {
  let endpoint: Endpoint;
  let client: LambdaClient;
  async function startOverHttp(...functions: FunctionPlan[]) {
    start(functions);
    endpoint = await startLambdaEndpoint(lambda);
    client = new LambdaClient({
      ...clientSettings('eu-west-1'),
      endpoint: endpoint.endpoint,
      maxAttempts: 1,
    });
  }
  afterEach(async () => {
    client.destroy();
    await endpoint.stop();
  });
  const send = (FunctionName: string, input: Partial<InvokeCommandInput> = {}) =>
    client.send(new InvokeCommand({ FunctionName, ...input }));
  const textOf = (payload: Uint8Array | undefined) => Buffer.from(payload ?? []).toString('utf8');

  test('the SDK invokes by name or ARN and receives payload and log tail', async () => {
    const plan = aFunction('echo');
    await startOverHttp(plan);
    const answer = await send(plan.name, { Payload: '{"a":1}', LogType: 'Tail' });
    expect(answer.StatusCode).toBe(200);
    expect(JSON.parse(textOf(answer.Payload))).toMatchObject({ event: { a: 1 } });
    expect(Buffer.from(answer.LogResult ?? '', 'base64').toString()).toContain('END RequestId');
    expect(answer.FunctionError).toBeUndefined();
    expect(JSON.parse(textOf((await send(plan.arn)).Payload))).toMatchObject({ event: {}, count: 2 });
  });

  test('a failing function is a 200 with FunctionError', async () => {
    await startOverHttp(aFunction('throw'));
    const answer = await send('fleet-dev-throw');
    expect([answer.StatusCode, answer.FunctionError]).toEqual([200, 'Unhandled']);
    expect(JSON.parse(textOf(answer.Payload))).toMatchObject({ errorMessage: 'too far' });
  });

  test('an event is accepted and runs; a dry run does not', async () => {
    await startOverHttp(aFunction('print'));
    expect((await send('fleet-dev-print', { InvocationType: 'DryRun' })).StatusCode).toBe(204);
    expect(logged).toBe('');
    expect((await send('fleet-dev-print', { InvocationType: 'Event' })).StatusCode).toBe(202);
    await expect.poll(() => logged, { timeout: 10_000 }).toContain('to stdout');
  });

  test('unknown functions, broken JSON and too large payloads are refused by name', async () => {
    await startOverHttp(aFunction('echo'));
    await expect(send('nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(send('echo', { Payload: '{' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    });
    const Payload = JSON.stringify('x'.repeat(1_048_576));
    await expect(send('echo', { Payload, InvocationType: 'Event' })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
  });
});
