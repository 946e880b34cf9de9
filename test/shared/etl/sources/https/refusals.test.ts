import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { portOf } from '../../../../../local/loopback.ts';
import { startTlsPeer, type TlsPeerKind } from '../../../../support/tls-peers.ts';
import { answer, type Handler, planted, type ReadOptions, readFrom, readWith } from './api-scene.ts';

const refusals: readonly (readonly [TlsPeerKind, string])[] = [
  ['expired', 'certificate-expired'],
  ['not-yet-valid', 'certificate-not-yet-valid'],
  ['wrong-host', 'certificate-wrong-host'],
  ['self-signed', 'certificate-self-signed'],
  ['untrusted-root', 'certificate-untrusted'],
  ['weak-key', 'certificate-weak-key'],
  ['tls11', 'tls-too-old'],
  ['client-required', 'client-certificate-required'],
];

const oauth: ReadOptions = {
  secret: planted.clientSecret,
  definition: {
    auth: {
      type: 'oauth-client-credentials',
      tokenUrl: 'https://peer.example.com/token',
      clientId: 'etl',
      secret: 'etl/client',
    },
  },
};

describe('a source whose TLS is not in order', () => {
  it.each(refusals)('is refused when it is %s, as %s', async (kind, code) => {
    const server = await startTlsPeer(kind);
    try {
      const { failure, readings } = await readFrom(server.peer);
      expect(failure).toMatchObject({ code, disposition: 'give-up' });
      expect(readings).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it.each(refusals)('is refused at the token endpoint when that is %s, as %s', async (kind, code) => {
    const good = await startTlsPeer('good');
    const server = await startTlsPeer(kind);
    try {
      const { failure } = await readFrom(good.peer, { ...oauth, tokenPeer: server.peer });
      expect(failure).toMatchObject({ code, disposition: 'give-up' });
    } finally {
      await server.stop();
      await good.stop();
    }
  });

  it('is refused when it shows another certificate than the one that was checked', async () => {
    const server = await startTlsPeer('good');
    const { failure } = await readFrom({ ...server.peer, fingerprints: ['00'.repeat(32)] });
    await server.stop();
    expect(failure).toMatchObject({ code: 'peer-not-checked', disposition: 'retry' });
  });

  it('refuses a client certificate that another CA has issued', async () => {
    const server = await startTlsPeer('client-required');
    const other = await startTlsPeer('good');
    const { fullchainPem, privateKeyPem } = await other.ca.issue({ domains: ['etl.example.com'] });
    const client = { name: 'etl', certificatePem: fullchainPem, privateKeyPem };
    const { failure } = await readFrom({ ...server.peer, client });
    await server.stop();
    await other.stop();
    expect(failure).toMatchObject({ code: 'client-certificate-refused', disposition: 'retry' });
  });

  it('is unreachable where nobody listens', async () => {
    const server = await startTlsPeer('good');
    await server.stop();
    expect((await readFrom(server.peer)).failure).toMatchObject({
      code: 'peer-unreachable',
      disposition: 'retry',
    });
  });
});

const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(code, headers).end(`{"error":"${planted.body}"}`);
  };

describe('a source that answers otherwise than with rows', () => {
  it.each([
    [301, 'source-redirected', 'give-up'],
    [307, 'source-redirected', 'give-up'],
    [304, 'source-refused', 'give-up'],
    [206, 'source-refused', 'give-up'],
    [400, 'source-refused', 'give-up'],
    [401, 'source-unauthorized', 'give-up'],
    [403, 'source-unauthorized', 'give-up'],
    [404, 'source-missing', 'give-up'],
    [410, 'source-missing', 'give-up'],
    [408, 'source-unavailable', 'retry'],
    [422, 'source-refused', 'give-up'],
    [429, 'source-throttled', 'retry-after'],
    [500, 'source-unavailable', 'retry'],
    [503, 'source-unavailable', 'retry'],
  ])('fails for %i with %s (%s)', async (code, expected, disposition) => {
    const { failure } = await readWith(
      status(code, { location: `https://elsewhere.example.com/?${planted.query}` }),
    );
    expect(failure).toMatchObject({ code: expected, disposition });
    if (disposition === 'retry-after') expect(failure?.retryAfterSeconds).toBe(30);
  });

  it('is given the time it asks for', async () => {
    const { failure, sleptMillis } = await readWith(status(503, { 'retry-after': '120' }));
    expect(failure).toMatchObject({ code: 'source-throttled', retryAfterSeconds: 120 });
    expect(sleptMillis).toEqual([]);
  });

  it('is waited for when that is short, and then read', async () => {
    const { rows, failure, sleptMillis } = await readWith((request, response, count) => {
      if (count <= 2) status(429, { 'retry-after': '2' })(request, response, count);
      else answer(response, '{"id":1}\n');
    });
    expect(failure).toBeUndefined();
    expect(rows).toEqual([{ id: 1 }]);
    expect(sleptMillis).toEqual([2_000, 2_000]);
  });

  it('is not waited for without end', async () => {
    const { failure, sleptMillis } = await readWith(status(429, { 'retry-after': '1' }));
    expect(failure).toMatchObject({ code: 'source-throttled', retryAfterSeconds: 1 });
    expect(sleptMillis).toHaveLength(3);
  });

  it.each<[string, string, Handler, ReadOptions?]>([
    ['a web page', 'source-answer-type', (_q, r) => answer(r, '<html>', { 'content-type': 'text/html' })],
    [
      'lines of unknown length',
      'source-answer-unframed',
      (_q, r) => {
        r.useChunkedEncodingByDefault = false;
        r.removeHeader('transfer-encoding');
        r.writeHead(200, { connection: 'close' }).end('{"id":1}\n');
      },
    ],
    ['no HTTP', 'source-answer-broken', (q) => q.socket.end(`SMTP ready ${planted.body}\r\n\r\n`)],
    [
      'headers without end',
      'source-header-too-large',
      (_q, r) => answer(r, '', { 'x-much': planted.body.repeat(2_000) }),
    ],
    [
      'half of what it announced',
      'peer-reset',
      (q, r) => {
        r.writeHead(200, { 'content-length': 100 }).write('{"id":1}\n');
        setImmediate(() => q.socket.destroy());
      },
    ],
    ['two codings', 'compression-nested', (_q, r) => answer(r, '', { 'content-encoding': 'gzip, gzip' })],
    ['broken gzip', 'archive-broken', (_q, r) => answer(r, planted.body, { 'content-encoding': 'gzip' })],
    [
      'a gzip bomb',
      'expansion-ratio-exceeded',
      (_q, r) => answer(r, gzipSync(Buffer.alloc(64 << 20, ' ')), { 'content-encoding': 'gzip' }),
    ],
    [
      'more than a page may hold',
      'source-answer-too-large',
      (_q, r) => answer(r, `{"id":"${planted.body}"}\n`.repeat(1_000)),
      { limits: { pageBytes: 10_000 }, definition: { pagination: { type: 'link' } } },
    ],
    [
      'more than a page may hold, compressed',
      'source-answer-too-large',
      (_q, r) =>
        answer(r, gzipSync(`{"id":"${planted.body}"}\n`.repeat(1_000)), { 'content-encoding': 'gzip' }),
      { limits: { pageBytes: 10_000 }, definition: { pagination: { type: 'link' } } },
    ],
    [
      'pages without end',
      'total-bytes-exceeded',
      (_q, r, count) => answer(r, `{"id":${count}}\n`.repeat(100), { link: `</p?n=${count}>; rel=next` }),
      { limits: { records: { totalBytes: 5_000 } }, definition: { pagination: { type: 'link' } } },
    ],
    [
      'broken JSON',
      'json-document-broken',
      (_q, r) => answer(r, `{"rows":[{"id":"${planted.body}"}`),
      { definition: { format: { type: 'json', path: '/rows' } } },
    ],
  ])('fails on %s', async (_what, code, handler, options = {}) => {
    const { failure } = await readWith(handler, options);
    expect(failure?.code).toBe(code);
  });
});

describe('a source that is slow', () => {
  const quick = { connectMillis: 10_000, answerMillis: 300, idleMillis: 150, bodyMillis: 250 };
  const limits = { https: quick };

  it('times out when it never answers', async () => {
    const { failure } = await readWith(() => undefined, { limits });
    expect(failure).toMatchObject({ code: 'source-timeout', disposition: 'retry' });
  });

  it('times out when it stops in the middle of its answer', async () => {
    const { failure } = await readWith(
      (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('{"id":1}\n'),
      { limits },
    );
    expect(failure).toMatchObject({ code: 'source-timeout', disposition: 'retry' });
  });

  it('times out when it trickles, though each byte comes in time', async () => {
    const { failure } = await readWith(
      (_request, response) => {
        response.writeHead(200, { 'content-length': 1_000 });
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      },
      { limits },
    );
    expect(failure).toMatchObject({ code: 'source-timeout', disposition: 'retry' });
  });

  it('times out when it never ends the handshake', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    const connectTo = { host: '127.0.0.1', port };
    const { failure } = await readFrom(
      { host: 'peer.example.com', port, connectTo, fingerprints: [] },
      { limits: { https: { ...quick, connectMillis: 150 } } },
    );
    server.close();
    expect(failure).toMatchObject({ code: 'peer-timeout', disposition: 'retry' });
  });
});

describe('a source that leads in circles', () => {
  it.each<[string, string, Handler, ReadOptions['definition']]>([
    [
      'a cursor that comes back',
      'source-cursor-repeats',
      (_q, r, count) => answer(r, JSON.stringify({ rows: [{ id: count }], next: `c${count % 3}` })),
      {
        format: { type: 'json', path: '/rows' },
        pagination: { type: 'cursor', parameter: 'after', next: '/next' },
      },
    ],
    [
      'a link that comes back',
      'source-cursor-repeats',
      (_q, r, count) => answer(r, `{"id":${count}}\n`, { link: `</rows?p=${count % 3}>; rel="next"` }),
      { pagination: { type: 'link' } },
    ],
    [
      'a number it pays no heed to',
      'source-page-repeats',
      (_q, r) => answer(r, '{"id":1}\n'),
      { pagination: { type: 'page', parameter: 'page', first: 1 } },
    ],
  ])('is found out by %s', async (_what, code, handler, definition) => {
    const { failure } = await readWith(handler, { definition: definition ?? {} });
    expect(failure).toMatchObject({ code, disposition: 'give-up' });
  });

  it.each([
    ['https://elsewhere.example.com/rows', 'source-link-elsewhere'],
    ['http://peer.example.com/rows', 'source-link-elsewhere'],
    ['//elsewhere.example.com/rows', 'source-link-elsewhere'],
    ['https://peer.example.com:8443/rows', 'source-link-elsewhere'],
    ['https://user:secret@peer.example.com/rows', 'source-link-elsewhere'],
    ['javascript:alert(1)', 'source-link-elsewhere'],
  ])('does not follow a link to %s', async (target, code) => {
    const { failure } = await readWith(
      (_request, response) => answer(response, '{"id":1}\n', { link: `<${target}>; rel="next"` }),
      { definition: { pagination: { type: 'link' } } },
    );
    expect(failure).toMatchObject({ code, disposition: 'give-up' });
  });
});

describe('credentials', () => {
  it.each(['', ' key', 'key\n', 'key\r\nX-Other: 1', 'schlüssel'])(
    'that no header carries are refused: %j',
    async (secret) => {
      const server = await startTlsPeer('good');
      const reading = readFrom(server.peer, { secret });
      await expect(reading).rejects.toMatchObject({
        code: 'source-credential-invalid',
        disposition: 'give-up',
      });
      await server.stop();
    },
  );

  it.each([{ Host: 'other.example.com' }, { Range: 'bytes=0-1' }, { 'X-Name': 'a\r\nb' }])(
    'and headers that would change the request are refused: %j',
    async (headers) => {
      const server = await startTlsPeer('good');
      const reading = readFrom(server.peer, { definition: { headers } });
      await expect(reading).rejects.toMatchObject({ code: 'source-header-refused' });
      await server.stop();
    },
  );
});
