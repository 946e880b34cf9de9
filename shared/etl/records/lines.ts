import type { RecordLimits } from './limits.ts';
import { RowFault } from './reading.ts';
import { asBuffer, decodeUtf8, findBrokenByte } from './utf8.ts';

/** Consecutive lines without their LF; a CR before it stays, since within CSV quotes it is data. */
export interface LineBlock {
  /** 1-based number of the first line in the stream. */
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** What is wrong with a line, by its index in `lines`. */
  readonly faults: ReadonlyMap<number, LineFault>;
}

/**
 * A line that cannot be read. Broken UTF-8 leaves its text with U+FFFD in place of what was broken; a line beyond
 * `rowBytes` leaves none, only how often the watched byte stood in it.
 */
export interface LineFault {
  readonly fault: RowFault;
  readonly watchedBytes: number;
}

export interface LineOptions extends Pick<RecordLimits, 'rowBytes'> {
  /** A byte to count in lines that are dropped, for readers whose rows may span lines. */
  readonly watchedByte?: number | undefined;
}

const lineFeed = 0x0a;

/** Splits UTF-8 bytes at LF. Holds one chunk and one line at a time; the last line needs no LF. */
export async function* splitLines(
  bytes: AsyncIterable<Uint8Array>,
  options: LineOptions,
): AsyncGenerator<LineBlock> {
  const splitter = new LineSplitter(options);
  for await (const chunk of bytes) {
    const block = splitter.push(asBuffer(chunk));
    if (block) yield block;
  }
  const last = splitter.end();
  if (last) yield last;
}

class LineSplitter {
  private readonly options: LineOptions;
  private nextLine = 1;
  private held: Buffer[] = [];
  private heldBytes = 0;
  private watchedBytes = 0;

  constructor(options: LineOptions) {
    this.options = options;
  }

  push(chunk: Buffer): LineBlock | undefined {
    const end = chunk.lastIndexOf(lineFeed);
    if (end === -1) {
      this.hold(chunk);
      return undefined;
    }
    const block = this.begin();
    const firstEnd = this.heldBytes === 0 ? -1 : chunk.indexOf(lineFeed);
    if (firstEnd !== -1) {
      this.hold(chunk.subarray(0, firstEnd));
      this.release(block);
    }
    if (firstEnd < end) this.addWhole(block, chunk.subarray(firstEnd + 1, end));
    this.hold(chunk.subarray(end + 1));
    return this.finish(block);
  }

  end(): LineBlock | undefined {
    if (this.heldBytes === 0) return undefined;
    const block = this.begin();
    this.release(block);
    return this.finish(block);
  }

  private begin(): OpenBlock {
    return { firstLine: this.nextLine, lines: [], faults: new Map() };
  }

  private finish(block: OpenBlock): LineBlock {
    this.nextLine += block.lines.length;
    return block;
  }

  private hold(part: Buffer): void {
    if (part.length === 0) return;
    this.heldBytes += part.length;
    this.held.push(part);
    if (this.heldBytes <= this.options.rowBytes + 1) return;
    for (const piece of this.held) this.watchedBytes += countByte(piece, this.options.watchedByte);
    this.held = [];
  }

  private release(block: OpenBlock): void {
    const line = this.held.length === 1 ? this.held[0] : undefined;
    if (this.heldBytes > this.options.rowBytes + 1) {
      this.addTooLong(block, this.watchedBytes);
    } else {
      this.addLine(block, line ?? Buffer.concat(this.held, this.heldBytes));
    }
    this.held = [];
    this.heldBytes = 0;
    this.watchedBytes = 0;
  }

  /** Lines that lie whole in one chunk, decoded together. */
  private addWhole(block: OpenBlock, bytes: Buffer): void {
    const text = bytes.length <= this.options.rowBytes ? decodeUtf8(bytes) : undefined;
    if (text !== undefined) {
      for (const line of text.split('\n')) block.lines.push(line);
      return;
    }
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      this.addLine(block, bytes.subarray(start, end));
      start = end + 1;
    }
    this.addLine(block, bytes.subarray(start));
  }

  private addLine(block: OpenBlock, bytes: Buffer): void {
    const contentBytes = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
    if (contentBytes > this.options.rowBytes) {
      this.addTooLong(block, countByte(bytes, this.options.watchedByte));
      return;
    }
    const text = decodeUtf8(bytes);
    if (text === undefined) {
      const message = `no UTF-8 at byte ${findBrokenByte(bytes)} of the line; export the source as UTF-8`;
      block.faults.set(block.lines.length, { fault: new RowFault('utf8-broken', message), watchedBytes: 0 });
    }
    block.lines.push(text ?? bytes.toString('utf8'));
  }

  private addTooLong(block: OpenBlock, watchedBytes: number): void {
    block.faults.set(block.lines.length, { fault: rowTooLong(this.options), watchedBytes });
    block.lines.push('');
  }
}

interface OpenBlock extends LineBlock {
  readonly lines: string[];
  readonly faults: Map<number, LineFault>;
}

export function rowTooLong({ rowBytes }: Pick<RecordLimits, 'rowBytes'>): RowFault {
  return new RowFault('row-bytes-exceeded', `more than ${rowBytes} bytes; shorten the row or raise rowBytes`);
}

function countByte(bytes: Buffer, byte: number | undefined): number {
  if (byte === undefined) return 0;
  let count = 0;
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) count += 1;
  return count;
}
