import { afterEach, describe, expect, it } from 'vitest';
import {
  type ChallengeHandler,
  type HttpEndpoint,
  startHttpEndpoint,
} from '../../../local/endpoints/http.ts';

const running: HttpEndpoint[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((endpoint) => endpoint.stop()));
});

async function anEndpoint(handler: ChallengeHandler) {
  const endpoint = await startHttpEndpoint({ handler });
  running.push(endpoint);
  return endpoint;
}

const echo: ChallengeHandler = async ({ method, path, host }) => ({
  status: 200,
  headers: { 'content-type': 'application/octet-stream' },
  body: `${method} ${path} ${host}`,
});
const get = (port: number, path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, init);

describe('the HTTP endpoint', () => {
  it('hands challenge paths to the handler without their query', async () => {
    const { port } = await anEndpoint(echo);
    const response = await get(port, '/.well-known/acme-challenge/token?x=1');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(await response.text()).toBe(`GET /.well-known/acme-challenge/token 127.0.0.1:${port}`);
  });

  it('answers 404 elsewhere and 405 to other methods, without the handler', async () => {
    const { port } = await anEndpoint(() => Promise.reject(new Error('must not be asked')));
    expect((await get(port, '/index.html')).status).toBe(404);
    expect((await get(port, '/.well-known/acme-challenge/token', { method: 'POST' })).status).toBe(405);
  });

  it('answers 502 when the handler fails', async () => {
    const { port } = await anEndpoint(() => Promise.reject(new Error('no function')));
    expect((await get(port, '/.well-known/acme-challenge/token')).status).toBe(502);
  });

  it('names the option when its port is in use', async () => {
    const { port } = await anEndpoint(echo);
    await expect(startHttpEndpoint({ port, handler: echo })).rejects.toMatchObject({
      code: 'port-in-use',
      disposition: 'give-up',
      message: expect.stringMatching(new RegExp(`${port}.*--http-port`)),
    });
  });
});
