import { afterAll, beforeAll, expect, test } from 'vitest';
import { invokeFunctionUrl } from '../../../local/aws/function-url.ts';
import { type Lambda, startLambda } from '../../../local/aws/lambda/service.ts';
import { aFunction, aStack, writeBundles } from './functions.builder.ts';

let bundles: Awaited<ReturnType<typeof writeBundles>>;
let lambda: Lambda;
beforeAll(async () => {
  bundles = await writeBundles({
    echo: 'return event;',
    answer:
      'return { statusCode: 201, headers: { "Content-Type": "text/plain" }, cookies: ["a=b"], body: "b2s=", isBase64Encoded: true };',
    empty: 'return { statusCode: 404 };',
    throw: 'throw new Error("secret detail");',
  });
  lambda = startLambda({
    plan: aStack({ functions: ['echo', 'answer', 'empty', 'throw'].map((name) => aFunction(name)) }),
    bundles: bundles.directory,
    environmentOf: () => ({}),
    deliver: async () => {},
  });
});
afterAll(async () => {
  await lambda.stop();
  await bundles.remove();
});

test('the function receives the request as payload 2.0', async () => {
  const { status, body } = await invokeFunctionUrl(lambda, 'echo', {
    method: 'POST',
    path: '/.well-known/acme-challenge/to%20ken',
    query: 'a=1&a=2',
    headers: { Host: 'example.com', Cookie: 'c=1; d=2', 'X-List': ['one', 'two'], 'User-Agent': 'probe' },
    body: Buffer.from('hello'),
    sourceIp: '192.0.2.7',
  });
  expect(status).toBe(200);
  expect(JSON.parse(body.toString())).toMatchObject({
    version: '2.0',
    rawPath: '/.well-known/acme-challenge/to%20ken',
    rawQueryString: 'a=1&a=2',
    queryStringParameters: { a: '1,2' },
    cookies: ['c=1', 'd=2'],
    headers: { host: 'example.com', 'x-list': 'one,two' },
    requestContext: {
      domainName: 'example.com',
      http: {
        method: 'POST',
        path: '/.well-known/acme-challenge/to%20ken',
        sourceIp: '192.0.2.7',
        userAgent: 'probe',
      },
    },
    body: 'aGVsbG8=',
    isBase64Encoded: true,
  });
});

test('the answer becomes an HTTP response', async () => {
  expect(await invokeFunctionUrl(lambda, 'answer', { method: 'GET', path: '/' })).toEqual({
    status: 201,
    headers: { 'content-type': 'text/plain' },
    cookies: ['a=b'],
    body: Buffer.from('ok'),
  });
  const empty = await invokeFunctionUrl(lambda, 'empty', { method: 'GET', path: '/' });
  expect([empty.status, empty.body.length]).toEqual([404, 0]);
});

test('a failing function is a bad gateway that tells nothing', async () => {
  const { status, body } = await invokeFunctionUrl(lambda, 'throw', { method: 'GET', path: '/' });
  expect(status).toBe(502);
  expect(body.toString()).not.toContain('secret');
});
