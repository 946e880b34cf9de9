import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import { createFetchRevocationList } from '../../../../shared/etl/gate/fetch-list.https.ts';

// Of the loopback addresses, the second stands for this machine and the first for one elsewhere.
vi.mock('../../../../shared/etl/gate/local-address.ts', async (original) => ({
  ...(await original<object>()),
  isLocalAddress: (address: string) => address === '127.0.0.2',
}));
const names: Readonly<Record<string, readonly string[]>> = {
  'crl.example.com': ['127.0.0.1'],
  'rebound.example.com': ['127.0.0.2'],
  'mixed.example.com': ['127.0.0.1', '127.0.0.2'],
};
vi.mock('node:dns', async (original) => ({
  ...(await original<object>()),
  lookup: (host: string, { all }: { all?: boolean }, done: (...answer: unknown[]) => void) => {
    const found = (names[host] ?? []).map((address) => ({ address, family: 4 }));
    if (found.length === 0) done(new Error('ENOTFOUND'), all ? [] : '');
    else if (all) done(null, found);
    else done(null, found[0]?.address, 4);
  },
}));

let server: Server;
beforeAll(async () => {
  server = createServer(({ url }, response) => {
    if (url === '/list') return response.end('list');
    const host = { '/to-address': '127.0.0.2', '/to-name': 'rebound.example.com' }[url ?? ''];
    return response.writeHead(302, { location: `http://${host}:${portOf(server)}/list` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const fetchList = createFetchRevocationList({ localAddresses: 'refused' });
const fetchFrom = (host: string, path = '/list') =>
  fetchList(`http://${host}:${portOf(server)}${path}`, new AbortController().signal);
const refused = expect.objectContaining({
  code: 'revocation-list-unavailable',
  message: expect.stringContaining('this machine or its link'),
});

it('the address that was looked up and checked is the one connected to', async () => {
  expect(String(await fetchFrom('crl.example.com'))).toBe('list');
  expect(String(await fetchFrom('127.0.0.1'))).toBe('list');
});

it.each(['rebound.example.com', 'mixed.example.com'])('%s is not asked', async (host) => {
  await expect(fetchFrom(host)).rejects.toEqual(refused);
});

it.each(['/to-address', '/to-name'])('no redirect leads to this machine: %s', async (path) => {
  await expect(fetchFrom('crl.example.com', path)).rejects.toEqual(refused);
});

it('a name that nobody knows cannot be reached', async () => {
  await expect(fetchFrom('gone.example.com')).rejects.toMatchObject({
    message: expect.stringContaining('cannot be reached'),
  });
});
