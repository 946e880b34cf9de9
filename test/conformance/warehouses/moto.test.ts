import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedshiftStatements } from '../../../shared/etl/destinations/redshift/statements.redshift.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { chooseFreePorts } from '../ports.ts';

/**
 * moto knows the Data API's calls for single statements and their answers' shape. It has no BatchExecuteStatement, runs
 * no SQL and ends no statement: every one has the same result. MOTO_SERVER names the program where it is not on the path.
 */
async function startMoto() {
  const [port = 0] = await chooseFreePorts(1);
  const program = process.env.MOTO_SERVER ?? 'moto_server';
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const failed = once(child, 'error').then(() => {
    throw new Error(`${program} is missing: install moto[server] (PyPI) or set MOTO_SERVER`);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await Promise.race([untilAnswered(endpoint), failed]);
  return {
    endpoint,
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** An answer of moto as the service's model has it: instants in seconds since 1970. */
const withSeconds = (text: string): string =>
  text.replace(
    /"((?:Created|Updated)At)": ?"([^"]+)"/g,
    (_, name, instant) => `"${name}": ${Date.parse(instant) / 1000}`,
  );

/** moto leaves every statement STARTED. */
const asFinished = (text: string): string =>
  text.replace(/"HasResultSet": ?\w+/, '"HasResultSet": true').replace('"STARTED"', '"FINISHED"');

function changeAnswers(client: RedshiftDataClient, change: (text: string) => string): void {
  const { requestHandler } = client.config;
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (...given: Parameters<typeof handle>) => {
    const { response } = await handle(...given);
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body as AsyncIterable<Uint8Array>) pieces.push(piece);
    response.body = Buffer.from(change(Buffer.concat(pieces).toString('utf8')), 'utf8');
    return { response };
  };
}

async function untilAnswered(endpoint: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const answer = await fetch(`${endpoint}/moto-api/`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer) return;
    await systemClock.sleep(100);
  }
  throw new Error('moto_server has not answered within 30 s');
}

describe('statements sent to moto', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  const clients: RedshiftDataClient[] = [];
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await moto?.stop();
  });
  const { signal } = new AbortController();
  function makeStatements(change: (text: string) => string, limitMillis: number) {
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' };
    const client = new RedshiftDataClient({ endpoint: moto.endpoint, region: 'eu-central-1', credentials });
    clients.push(client);
    changeAnswers(client, change);
    const place = { cluster: 'reports', database: 'dev' };
    return new RedshiftStatements({ client, place, clock: systemClock, limitMillis });
  }

  it('are submitted, described, and their results read cell by cell', async () => {
    const statements = makeStatements((text) => asFinished(withSeconds(text)), 30_000);
    const rows = await statements.run({ statements: ['SELECT 1'], signal });
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.length).toBeGreaterThan(0);
      for (const cell of row) expect(cell === null || typeof cell === 'string').toBe(true);
    }
  });

  it('are waited for while they are not done, and no longer than allowed', async () => {
    const statements = makeStatements(withSeconds, 600);
    const late = { code: 'target-timeout', disposition: 'retry' };
    await expect(statements.run({ statements: ['SELECT 1'], signal })).rejects.toMatchObject(late);
  });
});
