import { createServer, type RequestListener } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import { createFetchRevocationList } from '../../../../shared/etl/gate/fetch-list.https.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server)}`;
}
const fetchHere = createFetchRevocationList({ localAddresses: 'allowed' });
const fetchElsewhere = createFetchRevocationList({ localAddresses: 'refused' });
const fetchList = (url: string, signal = new AbortController().signal) => fetchHere(url, signal);
const unavailable = (message: RegExp) =>
  expect.objectContaining({
    code: 'revocation-list-unavailable',
    disposition: 'retry',
    message: expect.stringMatching(message),
  });

it('a list is fetched as it is', async () => {
  const url = await serve((_request, response) => response.end(Buffer.from([0x30, 0])));
  expect(await fetchList(`${url}/a.crl`)).toEqual(Buffer.from([0x30, 0]));
});

it('redirects are followed within their scheme, a few of them', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/list') return response.end('list');
    const location =
      request.url === '/away' ? 'https://127.0.0.1/list' : request.url === '/loop' ? '/loop' : '/list';
    return response.writeHead(302, { location }).end();
  });
  expect(String(await fetchList(`${url}/moved`))).toBe('list');
  await expect(fetchList(`${url}/away`)).rejects.toEqual(unavailable(/another scheme/));
  await expect(fetchList(`${url}/loop`)).rejects.toEqual(unavailable(/too often/));
});

it('what is no answer is told by the host, not by the address in full', async () => {
  const url = await serve((_request, response) => response.writeHead(404).end('secret'));
  await expect(fetchList(`${url}/path?token=1`)).rejects.toEqual(unavailable(/answered 404$/));
  await expect(fetchList(`${url}/path?token=1`)).rejects.not.toThrow(/token|secret/);
  await expect(fetchList('http://127.0.0.1:1/')).rejects.toEqual(unavailable(/cannot be reached/));
});

it('an endless list is broken off', async () => {
  const url = await serve((_request, response) => {
    const piece = Buffer.alloc(1024 * 1024);
    const send = () => {
      while (response.write(piece));
    };
    response.on('drain', send);
    send();
  });
  await expect(fetchList(url)).rejects.toEqual(unavailable(/larger than/));
});

it('whoever gives up does not wait', async () => {
  const url = await serve(() => undefined);
  const controller = new AbortController();
  const fetching = fetchList(url, controller.signal);
  controller.abort();
  await expect(fetching).rejects.toEqual(unavailable(/./));
});

it('where this machine is not to be asked, it is not, however its address is written', async () => {
  let requests = 0;
  const url = await serve((_request, response) => {
    requests += 1;
    response.end('list');
  });
  const port = new URL(url).port;
  const hosts = ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '0.0.0.0', '[::ffff:127.0.0.1]', '[::]'];
  for (const host of hosts) {
    const fetching = fetchElsewhere(`http://${host}:${port}/2018-06-01/next`, new AbortController().signal);
    await expect(fetching, host).rejects.toEqual(unavailable(/this machine or its link/));
  }
  expect(requests).toBe(0);
  expect(String(await fetchList(`http://localhost:${port}/`))).toBe('list');
});
