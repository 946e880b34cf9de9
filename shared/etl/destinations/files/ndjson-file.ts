import { createHash } from 'node:crypto';
import { Failure } from '../../../runtime/errors.ts';
import { isInteger } from '../../contract/text-forms.ts';
import type { ColumnType } from '../../definition/column.ts';
import { largestObjectBytes } from '../../objects/object-store.ts';
import type { Cell } from '../../record.ts';
import type { StagedPart, TableShape } from '../destination.ts';
import { rowsDiffer } from '../load-precedence.ts';
import type { LoadWriter } from '../standing.ts';

export interface NdjsonOptions {
  readonly signal: AbortSignal;
  /** What a null becomes: a member that is null, or no member at all, which every warehouse reads as NULL. */
  readonly nulls: 'written' | 'left-out';
  /** A last member that counts the rows from this number on, for targets that forget the order of a file. */
  readonly rowNumbers?: { readonly name: string; readonly from: number } | undefined;
  /** Makes the bytes differ from those of another writer of the same rows: see writerMark. */
  readonly writer?: LoadWriter | undefined;
}

/**
 * A part as NDJSON: one object a line with the shape's columns in their order, UTF-8, LF. Integers that a double
 * cannot hold are written as numbers with all their digits; decimals stay text, so that no reader rounds them.
 * @throws Failure `staged-rows-differ`, `staged-part-too-large`
 */
export async function encodeNdjson(
  part: StagedPart,
  shape: TableShape,
  { signal, nulls, rowNumbers, writer }: NdjsonOptions,
): Promise<Uint8Array> {
  const members = shape.columns.map(({ name, type }) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    text: textOf(type),
  }));
  const numbered = rowNumbers && `${JSON.stringify(rowNumbers.name)}:`;
  const pieces: Buffer[] = [];
  let bytes = 0;
  let rows = 0;
  for await (const batch of part.read()) {
    signal.throwIfAborted();
    let lines = '';
    for (const row of batch) {
      const written: string[] = [];
      for (const { name, label, text } of members) {
        const cell = row[name] ?? null;
        if (cell !== null || nulls === 'written') written.push(label + text(cell));
      }
      if (rowNumbers) written.push(`${numbered}${rowNumbers.from + rows}`);
      rows += 1;
      lines += `{${written.join(',')}}${writer && rows === part.rows ? writerMark(writer) : ''}\n`;
    }
    const piece = Buffer.from(lines, 'utf8');
    bytes += piece.length;
    if (bytes > largestObjectBytes) throw tooLarge(part);
    pieces.push(piece);
  }
  if (rows !== part.rows) throw rowsDiffer(rows, part.rows);
  return Buffer.concat(pieces, bytes);
}

/**
 * White space after the last row, which no JSON reader sees. An ETag is made of the bytes alone, so without a mark
 * a writer that compares ETags could take a newer writer's equal rows for the older ones that it has looked at.
 */
const writerMark = ({ runId, fence }: LoadWriter): string =>
  BigInt(`0x${createHash('sha256').update(`${runId} ${fence}`).digest('hex').slice(0, 16)}`)
    .toString(2)
    .padStart(64, '0')
    .replaceAll('0', ' ')
    .replaceAll('1', '\t');

const textOf = (type: ColumnType): ((cell: Cell) => string) =>
  type === 'integer'
    ? (cell) => (typeof cell === 'string' && isInteger(cell) ? cell : JSON.stringify(cell))
    : (cell) => JSON.stringify(cell);

const tooLarge = (part: StagedPart) =>
  new Failure({
    code: 'staged-part-too-large',
    disposition: 'bug',
    message: `part ${part.index} is larger than an object may be; the transform must cut smaller parts`,
  });
