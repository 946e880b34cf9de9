import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { listenOnLoopback } from '../../local/endpoints/listen.ts';

export interface HostilePair {
  readonly privateKeyPem: string;
  readonly fullchainPem: string;
}

export interface HostileAnswer {
  readonly status?: number;
  readonly phrase?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HostileServer {
  readonly port: number;
  /** How often each path was answered, or how many statements were refused. */
  readonly answered: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** An API that answers whatever it is told to, by path; a question with a cursor gets the second answer. */
export async function startHostileApi(
  { privateKeyPem: key, fullchainPem: cert }: HostilePair,
  answers: Readonly<Record<string, readonly [HostileAnswer, ...HostileAnswer[]]>>,
): Promise<HostileServer> {
  const answered = new Map<string, number>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://hostile.example.com');
    const [first, second = first] = answers[pathname] ?? [{ status: 404, body: '' }];
    const { status = 200, phrase, headers, body } = searchParams.has('cursor') ? second : first;
    answered.set(pathname, (answered.get(pathname) ?? 0) + 1);
    response.writeHead(status, phrase, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
  const server = createServer({ key, cert }, answer);
  server.on('tlsClientError', () => undefined);
  const port = await listenOnLoopback(server, { option: 'the hostile API' });
  return {
    port,
    answered,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const sslRequestBytes = 8;

/** A PostgreSQL server that lets everybody in over TLS and refuses every statement, quoting `values` wherever it may. */
export async function startHostileDatabase(
  { privateKeyPem: key, fullchainPem: cert }: HostilePair,
  values: readonly string[],
): Promise<HostileServer> {
  const answered = new Map<string, number>();
  const sockets = new Set<Socket>();
  const secureContext = createSecureContext({ key, cert });
  const server = createTcpServer((plain) => {
    sockets.add(plain);
    plain.on('error', () => plain.destroy()).on('close', () => sockets.delete(plain));
    plain.once('data', (request) => {
      if (request.length !== sslRequestBytes) {
        plain.destroy();
        return;
      }
      plain.write('S');
      const socket = new TLSSocket(plain, { isServer: true, secureContext });
      socket.on('error', () => plain.destroy());
      converse(socket, { values, onRefused: (what) => answered.set(what, (answered.get(what) ?? 0) + 1) });
    });
  });
  const port = await listenOnLoopback(server, { option: 'the hostile database' });
  return {
    port,
    answered,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** PostgreSQL's protocol, version 3, as far as a refusal needs it. */
function converse(
  socket: TLSSocket,
  { values, onRefused }: { values: readonly string[]; onRefused: (what: string) => void },
): void {
  let buffered = Buffer.alloc(0);
  let begun = false;
  const ready = message('Z', Buffer.from('I'));
  socket.on('data', (bytes: Buffer) => {
    buffered = Buffer.concat([buffered, bytes]);
    for (;;) {
      const lengthAt = begun ? 1 : 0;
      if (buffered.length < lengthAt + 4) return;
      const end = lengthAt + buffered.readUInt32BE(lengthAt);
      if (buffered.length < end) return;
      const type = begun ? String.fromCharCode(buffered[0] ?? 0) : 'startup';
      buffered = buffered.subarray(end);
      if (type === 'startup') {
        begun = true;
        const version = message('S', texts('server_version', '15.4'));
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), version, ready]));
      } else if (type === 'X') socket.end();
      else if (type === 'S') socket.write(ready);
      else if (type === 'Q' || type === 'P') {
        onRefused('statement');
        socket.write(complaint('N', 'WARNING', values));
        socket.write(complaint('E', 'ERROR', values));
        if (type === 'Q') socket.write(ready);
      }
    }
  });
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const texts = (...all: readonly string[]): Buffer => Buffer.from(all.map((text) => `${text}\0`).join(''));

/** A violated check, as the server words it: the whole row stands in the detail. */
function complaint(type: 'E' | 'N', severity: string, values: readonly string[]): Buffer {
  const row = values.join(', ');
  const fields = {
    S: severity,
    V: severity,
    C: '23514',
    M: `new row for relation "orders" violates check constraint "${values[0]}"`,
    D: `Failing row contains (${row}).`,
    H: `Perhaps you meant ${row}.`,
    W: `COPY orders, line 1: "${row}"`,
    t: values[1] ?? '',
    c: values[2] ?? '',
    n: values[3] ?? '',
  };
  const body = Object.entries(fields).map(([field, text]) => texts(`${field}${text}`));
  return message(type, Buffer.concat([...body, Buffer.alloc(1)]));
}
