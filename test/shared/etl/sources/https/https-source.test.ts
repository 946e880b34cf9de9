import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createHttpsSource } from '../../../../../shared/etl/sources/https/https-source.ts';
import { createFakeClock } from '../../../../support/fake-clock.ts';
import { startTlsPeer } from '../../../../support/tls-peers.ts';
import { aDefinition, answer, planted, readFrom, readWith, window } from './api-scene.ts';

describe('the request', () => {
  it('names the window with its overlap, keeps the definition’s query and shows the key', async () => {
    let seen: IncomingMessage | undefined;
    await readWith(
      (request, response) => {
        seen = request;
        answer(response, '');
      },
      {
        definition: {
          headers: { Accept: 'application/vnd.shop+ndjson', 'X-Tenant': 'nine' },
          watermark: { column: 'at', parameter: 'since', untilParameter: 'until', overlapSeconds: 90 },
        },
      },
    );
    const { pathname, searchParams } = new URL(seen?.url ?? '', 'https://peer.example.com');
    expect(pathname).toBe('/rows');
    expect(Object.fromEntries(searchParams)).toEqual({
      static: planted.query,
      since: '2026-11-22T09:58:30.000Z',
      until: '2026-11-22T11:00:00.000Z',
    });
    expect(seen?.headers).toMatchObject({
      host: 'peer.example.com',
      accept: 'application/vnd.shop+ndjson',
      'accept-encoding': 'gzip, deflate, br',
      'x-tenant': 'nine',
      'x-api-key': planted.apiKey,
    });
  });

  it('shows a bearer token', async () => {
    let seen: string | undefined;
    await readWith(
      (request, response) => {
        seen = request.headers.authorization;
        answer(response, '');
      },
      { definition: { auth: { type: 'bearer', secret: 'etl/token' } } },
    );
    expect(seen).toBe(`Bearer ${planted.apiKey}`);
  });
});

it('sends credentials to no peer but the host they are for', async () => {
  const server = await startTlsPeer('good', { host: 'elsewhere.example.com' });
  await expect(readFrom(server.peer)).rejects.toMatchObject({ code: 'peer-mismatch', disposition: 'bug' });
  await server.stop();
});

describe('a signal', () => {
  it.each([
    ['before it answers', () => undefined],
    [
      'in the middle of its answer',
      (response: ServerResponse) => response.writeHead(200, { 'content-length': 100 }).write('{"id":1}\n'),
    ],
  ])('ends the reading with its reason while the source is silent %s', async (_when, respond) => {
    const controller = new AbortController();
    const reason = new Error('the time is up');
    const closed = Promise.withResolvers<void>();
    const server = await startTlsPeer('good', {
      onRequest: (request, response) => {
        request.socket.once('close', () => closed.resolve());
        respond(response);
        setTimeout(() => controller.abort(reason), 30);
      },
    });
    await expect(readFrom(server.peer, { signal: controller.signal })).rejects.toBe(reason);
    // The connection is gone, or this waits until the test times out.
    await closed.promise;
    await server.stop();
  });
});

describe('what is read', () => {
  it('is what lies in the window and its overlap; what cannot be placed in time stays', async () => {
    const at = (text: string) => `${JSON.stringify({ at: text })}\n`;
    const lines = [
      '2026-11-22T09:58:29.999Z',
      '2026-11-22T09:58:30Z',
      '2026-11-22T11:59:59.999999999+01:00',
      '2026-11-22T11:00:00Z',
      'yesterday',
    ];
    const { rows } = await readWith(
      (_request, response) => answer(response, `${lines.map(at).join('')}{"none":1}\nbroken\n`),
      { definition: { watermark: { column: 'at', parameter: 'since', overlapSeconds: 90 } } },
    );
    expect(rows).toEqual([{ at: lines[1] }, { at: lines[2] }, { at: lines[4] }, { none: 1 }, 'unreadable']);
  });

  it('is nothing for 204, and for an empty page behind others where CSV would need a header', async () => {
    const csv = { format: { type: 'csv', delimiter: ',', quote: '"' } as const };
    const none = await readWith((_request, response) => response.writeHead(204).end(), { definition: csv });
    expect(none).toMatchObject({ rows: [], failure: undefined });
    const paged = await readWith(
      (_request, response, count) => answer(response, count === 1 ? 'id\n1\n2\n' : ''),
      { definition: { ...csv, pagination: { type: 'page', parameter: 'p', first: 1 } } },
    );
    expect(paged).toMatchObject({ rows: [{ id: '1' }, { id: '2' }], failure: undefined });
    const first = await readWith((_request, response) => answer(response, ''), { definition: csv });
    expect(first.failure?.code).toBe('csv-header-missing');
  });

  it('ends where a page is missing behind a short one, and fails where one is missing behind a full one', async () => {
    const pagination = { type: 'page', parameter: 'p', first: 1, sizeParameter: 'n', size: 2 } as const;
    const read = (body: string) =>
      readWith(
        (_request, response, count) => {
          if (count === 1) answer(response, body);
          else response.writeHead(404).end();
        },
        { definition: { pagination } },
      );
    expect(await read('{"id":1}\n')).toMatchObject({ rows: [{ id: 1 }], failure: undefined });
    expect((await read('{"id":1}\n{"id":2}\n')).failure?.code).toBe('source-missing');
  });

  it('goes on over a connection that the server has closed between two pages', async () => {
    const server = await startTlsPeer('good', {
      onRequest: (request, response) => {
        const page = Number(new URL(request.url ?? '', 'https://peer').searchParams.get('p'));
        answer(response, page < 4 ? `{"id":${page}}\n` : '');
        response.on('finish', () => setImmediate(() => request.socket.destroy()));
      },
    });
    const pagination = { type: 'page', parameter: 'p', first: 1 } as const;
    const { rows, failure } = await readFrom(server.peer, { definition: { pagination } });
    await server.stop();
    expect(failure).toBeUndefined();
    expect(rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  it('may be left early, which ends the connection', async () => {
    const closed = Promise.withResolvers<void>();
    const server = await startTlsPeer('good', {
      onRequest: (request, response) => {
        request.socket.once('close', () => closed.resolve());
        response.writeHead(200).write('{"id":1}\n'.repeat(2_001));
      },
    });
    const source = createHttpsSource({
      definition: aDefinition(),
      peer: server.peer,
      secret: planted.apiKey,
      clock: createFakeClock(window.to),
      random: () => 0,
    });
    const signal = new AbortController().signal;
    const [slice] = await source.plan(window, signal);
    if (!slice) throw new Error('no slice');
    for await (const { readings } of source.read({ chunkId: 'c', slice, signal })) {
      expect(readings).toHaveLength(1_000);
      break;
    }
    await closed.promise;
    await source.close();
    await server.stop();
  });

  it('holds the server back while the reader is busy, without calling it slow', async () => {
    const line = `{"id":"${'x'.repeat(1_000)}"}\n`;
    let sentBytes = 0;
    const server = await startTlsPeer('good', {
      onRequest: (_request, response) => {
        const send = () => {
          while (sentBytes < 32 << 20) {
            sentBytes += line.length * 100;
            if (!response.write(line.repeat(100))) return;
          }
          response.end();
        };
        response.on('drain', send);
        send();
      },
    });
    const source = createHttpsSource({
      definition: aDefinition(),
      peer: server.peer,
      secret: planted.apiKey,
      clock: createFakeClock(window.to),
      random: () => 0,
      limits: { https: { idleMillis: 300, bodyMillis: 10_000 } },
    });
    const [slice] = await source.plan(window, new AbortController().signal);
    if (!slice) throw new Error('no slice');
    let rows = 0;
    let sentWhileBusy = 0;
    for await (const { readings } of source.read({
      chunkId: 'c',
      slice,
      signal: new AbortController().signal,
    })) {
      if (rows === 0) {
        await new Promise((resolve) => setTimeout(resolve, 700));
        sentWhileBusy = sentBytes;
      }
      rows += readings.length;
    }
    await source.close();
    await server.stop();
    expect(sentWhileBusy).toBeLessThan(24 << 20);
    expect(rows * line.length).toBe(sentBytes);
  });
});
