import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptCellCommand, type KeySource } from '../../../local/commands/decrypt-cell.ts';
import { createCellSealer, rowKeyOf } from '../../../shared/etl/cells/cell-format.ts';
import { createKmsDataKeys, openWithKms } from '../../../shared/etl/cells/data-keys.kms.ts';
import type { DataKey } from '../../../shared/etl/cells/data-keys.ts';
import { createDynamoDbKeyShelf } from '../../../shared/etl/keys/key-shelf.dynamodb.ts';
import type { KeyShelf } from '../../../shared/etl/keys/key-shelf.ts';
import { createRunKeys } from '../../../shared/etl/keys/run-keys.ts';
import { systemRandom } from '../../../shared/runtime/random.ts';
import { startEmbeddedKms } from '../../contract/embedded-kms.ts';
import { pipelinesTable, startPipelineTables } from '../../contract/pipeline-tables.ts';

let kms: Awaited<ReturnType<typeof startEmbeddedKms>>;
let tables: Awaited<ReturnType<typeof startPipelineTables>>;
let keysTable: string;
let shelf: KeyShelf;
let key: DataKey;
const email = 'ada@example.com';
const column = { pipeline: 'orders', table: 'orders', column: 'email' };
const seal = (cell: string) => createCellSealer(key, column, systemRandom)(cell, rowKeyOf(['ORD-1']));

beforeAll(async () => {
  [kms, tables] = await Promise.all([startEmbeddedKms(), startPipelineTables()]);
  keysTable = await tables.createTable(pipelinesTable);
  shelf = createDynamoDbKeyShelf(tables.client, keysTable);
  const masters = {
    cells: createKmsDataKeys(kms.client, 'alias/cells'),
    quarantine: createKmsDataKeys(kms.client, 'alias/quarantine'),
  };
  const keys = createRunKeys({ shelf, masters });
  key = await keys.keyFor({ pipeline: 'orders', table: 'orders', runId: 'run-1', master: 'cells' });
});
afterAll(() => Promise.all([kms.stop(), tables.stop()]));

const where = ['--pipeline', 'orders', '--table', 'orders', '--column', 'email', '--row-key', '["ORD-1"]'];
/** The command against the embedded services; `asked` is the table it looked into. */
async function decrypt(args: readonly string[], stdin = '') {
  let asked: string | undefined;
  let closed = 0;
  const connect = (table: string): KeySource => {
    asked = table;
    return {
      shelf,
      open: (wrapped, masterKey) => openWithKms(kms.client, wrapped, masterKey),
      close: () => {
        closed += 1;
      },
    };
  };
  const result = await decryptCellCommand(args, { readStdin: async () => stdin, connect });
  expect(closed).toBe(asked === undefined ? 0 : 1);
  return { ...result, asked };
}

describe('decrypt-cell', () => {
  it('says the value alone, whether the cell is an argument or on stdin', async () => {
    const value = { status: 0, stdout: `"${email}"\n` };
    expect(await decrypt([...where, '--cell', seal(email)])).toEqual({
      ...value,
      asked: 'certfleet-dev-pipelines',
    });
    expect(await decrypt([...where, '--stage', 'production'], `${seal(email)}\n`)).toEqual({
      ...value,
      asked: 'certfleet-production-pipelines',
    });
  });

  it('says it as JSON, with nothing a terminal would act on', async () => {
    const hostile = 'a"\u001b[2J\u009b2J\u{e0001}\n';
    const { stdout = '' } = await decrypt([...where, '--cell', seal(hostile)]);
    expect(stdout.trimEnd()).toMatch(/^[ -~]+$/);
    expect(JSON.parse(stdout)).toBe(hostile);
  });

  it.each([
    ['another record', '--row-key', '["ORD-2"]'],
    ['another column', '--column', 'phone'],
    ['another table', '--table', 'refunds'],
  ])('refuses a cell of %s', async (_, ...change) => {
    const { status, stdout, stderr } = await decrypt([...where, ...change, '--cell', seal(email)]);
    expect([status, stdout, stderr]).toEqual([1, undefined, expect.stringMatching(/^cell-refused: /)]);
  });

  it('knows that a key is not kept', async () => {
    const { status, stderr } = await decrypt([...where, '--pipeline', 'refunds', '--cell', seal(email)]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^data-key-erased: pipeline refunds/)]);
  });

  it('refuses keys of another master when one is named', async () => {
    const cell = seal(email);
    expect(await decrypt([...where, '--master-key', 'alias/cells', '--cell', cell])).toMatchObject({
      status: 0,
    });
    expect(await decrypt([...where, '--master-key', 'alias/quarantine', '--cell', cell])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^data-key-denied: .*IncorrectKeyException/),
    });
  });

  it.each([
    ['a missing option', where.slice(2), '--pipeline, --table, --column and --row-key are needed'],
    ['a row key that is no array', [...where, '--row-key', 'ORD-1'], '--row-key: '],
    ['a row key of what no key can be', [...where, '--row-key', '[1.5]'], '--row-key: '],
    ['what is no cell', [...where, '--cell', email], '--cell: '],
    ['an option that is none', ['--tabel', 'x'], "Unknown option '--tabel'"],
  ])('refuses %s as bad input, unquoted', async (_, args, message) => {
    const { status, stdout, stderr, asked } = await decrypt(args);
    expect([status, stdout, asked]).toEqual([2, undefined, undefined]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(email);
  });

  it('runs as a program, with the endpoints of its environment', async () => {
    const program = new URL('../../../local/commands/decrypt-cell.ts', import.meta.url).pathname;
    const endpointOf = async (client: { config: { endpoint?: unknown } }) => {
      const { endpoint } = client.config as { endpoint: () => Promise<{ hostname: string; port: number }> };
      const { hostname, port } = await endpoint();
      return `http://${hostname}:${port}`;
    };
    const env = {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: await endpointOf(tables.client),
      AWS_ENDPOINT_URL_KMS: await endpointOf(kms.client),
    };
    const run = promisify(execFile)(process.execPath, [program, ...where, '--keys-table', keysTable], {
      env,
      timeout: 15_000,
    });
    run.child.stdin?.end(seal(email));
    expect(await run).toEqual({ stdout: `"${email}"\n`, stderr: '' });
  });
});
