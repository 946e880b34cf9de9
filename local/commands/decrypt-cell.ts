import { decryptCell, keyIdOf, rowKeyOf } from '../../shared/etl/cells/cell-format.ts';
import { openWithKms } from '../../shared/etl/cells/data-keys.kms.ts';
import type { DataKey, WrappedDataKey } from '../../shared/etl/cells/data-keys.ts';
import { createDynamoDbKeyShelf } from '../../shared/etl/keys/key-shelf.dynamodb.ts';
import type { KeyShelf } from '../../shared/etl/keys/key-shelf.ts';
import type { Cell } from '../../shared/etl/record.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { Failure } from '../../shared/runtime/errors.ts';
import { createKms } from '../../shared/runtime/kms.ts';
import {
  badInput,
  type CommandResult,
  describeFailure,
  onScreen,
  readFlags,
  readInput,
  runCommand,
} from './command.ts';

const usage = `Usage: npm run decrypt-cell -- --pipeline P --table T --column C --row-key '["KEY"]' [--cell TEXT]

Opens one sealed cell. Finds the wrapped data key that the cell names in DynamoDB and has KMS open it, with the
region, credentials and endpoints of the AWS_ variables. Only the value goes to stdout, as JSON.

  --pipeline P       the pipeline that sealed it
  --table T          the destination's table, as the definition names it
  --column C         the destination's column
  --row-key JSON     the record's key cells in the contract's order, as the destination holds them
  --cell TEXT        the sealed cell, v1|…; without it stdin is read
  --stage STAGE      whose keys: those in the table certfleet-<stage>-pipelines (default: dev)
  --keys-table NAME  the table of that stage under another name
  --master-key KEY   refuse keys that another KMS key wrapped; id, ARN or alias
  --help             this text

Status: 0 opened, 1 refused, 2 bad input.
`;

/** Where keys are found and opened. */
export interface KeySource {
  readonly shelf: Pick<KeyShelf, 'find'>;
  open(key: WrappedDataKey, masterKey: string | undefined): Promise<DataKey>;
  close(): void;
}

export interface Surroundings {
  readStdin(): Promise<string>;
  connect(keysTable: string): KeySource;
}

const longestCellBytes = 16 * 1_048_576;
const text = { type: 'string' } as const;
const flags = {
  pipeline: text,
  table: text,
  column: text,
  'row-key': text,
  cell: text,
  stage: text,
  'keys-table': text,
  'master-key': text,
  help: { type: 'boolean', short: 'h' },
} as const;

/** @returns the value or the refusal; never rejects for what it was given */
export async function decryptCellCommand(
  args: readonly string[],
  { readStdin, connect }: Surroundings,
): Promise<CommandResult> {
  try {
    const values = readFlags(args, flags);
    if (values.help) return { status: 0, stdout: usage };
    const { pipeline, table, column, 'row-key': key, stage = 'dev' } = values;
    if (!pipeline || !table || !column || !key) {
      throw badInput(`--pipeline, --table, --column and --row-key are needed\n\n${usage}`);
    }
    const address = { pipeline, table, column, rowKey: readRowKey(key) };
    const sealed = (values.cell ?? (await readStdin())).trim();
    const keyId = readKeyId(sealed);
    const source = connect(values['keys-table'] ?? `certfleet-${stage}-pipelines`);
    try {
      const dataKey = await openKey(source, { pipeline, keyId, masterKey: values['master-key'] });
      const cell = JSON.stringify(decryptCell(sealed, address, dataKey));
      return { status: 0, stdout: onScreen(`${cell}\n`) };
    } finally {
      source.close();
    }
  } catch (error) {
    return describeFailure(error);
  }
}

function readRowKey(json: string): string {
  const complaint = badInput('--row-key: give a JSON array of the key cells, such as \'["ORD-1"]\'');
  let cells: unknown;
  try {
    cells = JSON.parse(json);
  } catch {
    throw complaint;
  }
  const isKeyCell = (cell: unknown) => typeof cell === 'string' || Number.isSafeInteger(cell);
  if (!Array.isArray(cells) || cells.length === 0 || !cells.every(isKeyCell)) throw complaint;
  return rowKeyOf(cells as readonly Cell[]);
}

function readKeyId(sealed: string): string {
  try {
    return keyIdOf(sealed);
  } catch (error) {
    throw badInput(`--cell: ${(error as Error).message}`);
  }
}

async function openKey(
  { shelf, open }: KeySource,
  wanted: { pipeline: string; keyId: string; masterKey: string | undefined },
): Promise<DataKey> {
  const { pipeline, keyId, masterKey } = wanted;
  const kept = await shelf.find({ pipeline, keyId });
  if (kept) return open(kept, masterKey);
  throw new Failure({
    code: 'data-key-erased',
    disposition: 'give-up',
    message: `pipeline ${pipeline} keeps no data key ${keyId}: it was erased, or the cell is another pipeline's or stage's`,
  });
}

function connectToAws(keysTable: string): KeySource {
  const [dynamodb, kms] = [createDynamoDb(), createKms()];
  return {
    shelf: createDynamoDbKeyShelf(dynamodb, keysTable),
    open: (key, masterKey) => openWithKms(kms, key, masterKey),
    close() {
      dynamodb.destroy();
      kms.destroy();
    },
  };
}

if (import.meta.main) {
  const readStdin = () => readInput(process.stdin, longestCellBytes);
  await runCommand((args) => decryptCellCommand(args, { readStdin, connect: connectToAws }));
}
