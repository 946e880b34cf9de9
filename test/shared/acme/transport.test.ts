import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { portOf } from '../../../local/loopback.ts';
import { createTransport } from '../../../shared/acme/transport.ts';
import { createTestCa } from '../../support/test-ca.ts';

let server: Server;
let url: string;
let roots: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const sockets = new Set<unknown>();

beforeAll(async () => {
  const ca = await createTestCa();
  roots = ca.rootPem;
  const pair = await ca.issue({ domains: ['localhost'], addresses: ['127.0.0.1'] });
  server = createServer({ key: pair.privateKeyPem, cert: pair.fullchainPem }, (request, response) => {
    sockets.add(request.socket);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://127.0.0.1:${portOf(server)}/path`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => sockets.clear());

const reply = (body: string, headers: Record<string, string> = {}, status = 200) => {
  answer = (_, response) => response.writeHead(status, headers).end(body);
};

describe('the transport', () => {
  it('answers status, headers and parsed JSON, and leaves refusals to its caller', async () => {
    reply('{"type":"x"}', { 'content-type': 'application/problem+json', 'replay-nonce': 'n' }, 400);
    const response = await createTransport({ roots })({ method: 'POST', url, body: '{}' });
    expect(response).toMatchObject({ status: 400, data: { type: 'x' }, headers: { 'replay-nonce': 'n' } });
  });

  it.each([
    ['text', 'text/plain', 'hello'],
    ['JSON that is none', 'application/json', '<html>'],
  ])('answers %s as it came', async (_, type, body) => {
    reply(body, { 'content-type': type });
    expect((await createTransport({ roots })({ method: 'GET', url })).data).toBe(body);
  });

  it('keeps its connection for the next request', async () => {
    reply('ok');
    const transport = createTransport({ roots });
    for (let index = 0; index < 3; index++) await transport({ method: 'GET', url });
    expect(sockets.size).toBe(1);
  });

  it('sends again what a connection closed by the server did not take', async () => {
    const transport = createTransport({ roots });
    reply('first');
    await transport({ method: 'GET', url });
    let requests = 0;
    answer = (request, response) => {
      requests += 1;
      if (requests === 1) request.socket.destroy();
      else response.end('second');
    };
    expect((await transport({ method: 'POST', url, body: '{}' })).data).toBe('second');
  });

  it('refuses an answer over its cap', async () => {
    reply('x'.repeat(2000));
    const transport = createTransport({ roots, maxBodyBytes: 1000 });
    await expect(transport({ method: 'GET', url })).rejects.toMatchObject({
      code: 'ca-unreachable',
      message: expect.stringContaining('body over 1000 bytes'),
    });
  });

  it('gives up on an answer that does not come', async () => {
    answer = () => undefined;
    const transport = createTransport({ roots, timeoutMillis: 50 });
    await expect(transport({ method: 'GET', url })).rejects.toMatchObject({
      code: 'ca-unreachable',
      message: expect.stringContaining('no answer within 0.05 s'),
    });
  });

  it('ends with the reason of its signal', async () => {
    answer = () => controller.abort(new Error('enough'));
    const controller = new AbortController();
    const call = createTransport({ roots })({ method: 'GET', url, signal: controller.signal });
    await expect(call).rejects.toThrow('enough');
  });

  it('tells an untrusted CA from one that is not there, each with its remedy', async () => {
    await expect(createTransport()({ method: 'GET', url })).rejects.toMatchObject({
      code: 'ca-untrusted',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ .*ACME_CA_ROOTS/),
    });
    const nowhere = 'https://127.0.0.1:1/directory';
    await expect(createTransport()({ method: 'GET', url: nowhere })).rejects.toMatchObject({
      code: 'ca-unreachable',
      disposition: 'retry',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
