import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tlsOptionsFor } from '../../../../shared/etl/connections/tls-options.ts';
import {
  recordConnections,
  withoutRecording,
} from '../../../../shared/etl/connections/tls-recorder.socket.ts';
import { startTlsPeer, type TlsPeerServer } from '../../../support/tls-peers.ts';

const recorder = recordConnections();
let good: TlsPeerServer;
let database: TlsPeerServer;
beforeAll(async () => {
  good = await startTlsPeer('good');
  database = await startTlsPeer('good', { upgrade: 'postgresql', host: 'db.example.com' });
});
beforeEach(() => {
  recorder.drain();
});
afterAll(async () => {
  await good.stop();
  await database.stop();
});

const get = (changes: ConnectionOptions = {}): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: good.port, ...tlsOptionsFor(good.peer), ...changes };
    const sent = request({ ...options, agent: new Agent() } as never, (answer) => {
      answer.resume().on('end', resolve);
    });
    sent.on('error', reject).end();
  });

describe('a recorder', () => {
  it('tells of each different connection once, by the name that was asked for', async () => {
    await get();
    await get();
    await get({ maxVersion: 'TLSv1.2' });
    const connection = { host: 'peer.example.com', verified: true, fingerprint: good.fingerprint };
    expect(recorder.drain()).toEqual([
      {
        ...connection,
        protocol: 'TLSv1.3',
        cipher: expect.stringMatching(/^TLS_/),
        expiresAt: expect.stringMatching(/Z$/),
      },
      {
        ...connection,
        protocol: 'TLSv1.2',
        cipher: expect.stringMatching(/^TLS_ECDHE_/),
        expiresAt: expect.anything(),
      },
    ]);
    expect(recorder.drain()).toEqual([]);
  });

  it('tells of connections of other libraries, and of those over another socket', async () => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: database.port,
      user: 'nobody',
      ssl: tlsOptionsFor(database.peer),
      connectionTimeoutMillis: 5_000,
    });
    // What answers behind the handshake speaks HTTP.
    await expect(client.connect()).rejects.toThrow();
    expect(recorder.drain()).toMatchObject([
      { host: 'db.example.com', verified: true, fingerprint: database.fingerprint },
    ]);
  });

  it('tells that a peer was not verified', async () => {
    await get({ rejectUnauthorized: false, ca: [] });
    expect(recorder.drain()).toMatchObject([{ verified: false, fingerprint: good.fingerprint }]);
  });

  it('knows the host of every way to call connect', async () => {
    const options = { ...tlsOptionsFor(good.peer), servername: '' };
    const ends = [
      () => connect(good.port, '127.0.0.1', options),
      () => connect({ ...options, port: good.port, host: '127.0.0.1' }),
      () => connect(good.port, options),
    ];
    for (const open of ends) {
      const socket = open();
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      socket.destroy();
      expect(recorder.drain()).toMatchObject([{ host: '127.0.0.1' }]);
    }
  });

  it('keeps nothing of a handshake that failed, or of one that was only a look', async () => {
    await expect(get({ ca: [] })).rejects.toThrow();
    await withoutRecording(() => get());
    expect(recorder.drain()).toEqual([]);
  });

  it('is one for the process', () => {
    expect(recordConnections()).toBe(recorder);
  });
});

it('a recorder in a bundle sees what the bundle connects, imported by name or required', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'recorder-'));
  const recorderPath = fileURLToPath(
    new URL('../../../../shared/etl/connections/tls-recorder.socket.ts', import.meta.url),
  );
  const program = `
    import { recordConnections } from ${JSON.stringify(recorderPath)};
    import { connect } from 'node:tls';
    import { get } from 'node:https';
    const recorder = recordConnections();
    const options = { host: '127.0.0.1', port: ${good.port}, ca: process.argv[2], checkServerIdentity: () => undefined };
    const bySocket = (open, servername) => new Promise((resolve, reject) => {
      const socket = open({ ...options, servername }).on('error', reject);
      socket.on('secureConnect', () => { socket.destroy(); resolve(); });
    });
    (async () => {
      await bySocket(connect, 'imported.example.com');
      await bySocket(require('tls').connect, 'required.example.com');
      await new Promise((resolve) => get({ ...options, servername: 'https.example.com', agent: false }, (answer) => answer.resume().on('end', resolve)));
      console.log(JSON.stringify(recorder.drain().map(({ host }) => host)));
    })();`;
  try {
    await writeFile(join(directory, 'program.js'), program);
    await build({
      entryPoints: [join(directory, 'program.js')],
      outfile: join(directory, 'bundle.cjs'),
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'cjs',
      target: 'node24',
      logLevel: 'silent',
    });
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [join(directory, 'bundle.cjs'), good.roots], {
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual(['imported.example.com', 'required.example.com', 'https.example.com']);
  } finally {
    await rm(directory, { recursive: true });
  }
});
