import { Failure } from '../../runtime/errors.ts';
import {
  type CsvSyntax,
  carriageReturnBare,
  closed,
  type Ending,
  followQuotes,
  open,
  quoteMisplaced,
} from './csv-quoting.ts';
import type { RecordLimits } from './limits.ts';
import { type LineBlock, type LineFault, rowTooLong } from './lines.ts';
import type { RowFault } from './reading.ts';

/** One CSV record before its fields are told apart. */
export interface CsvFrame {
  /** Number of the record's first line. */
  readonly line: number;
  /** Without the record's own line end; what a fault left of it is of no use. */
  readonly text: string;
  readonly isQuoted: boolean;
  readonly fault?: RowFault | undefined;
}

interface Line {
  readonly number: number;
  readonly text: string;
  readonly found: LineFault | undefined;
}

/**
 * Joins lines into records by RFC 4180: a quote opens a field only at its start, is doubled within, and closes it
 * only before a delimiter or the line end. A line that breaks these rules is set aside alone and the next line is
 * read afresh, also where an unclosed quote had seemed to make the lines after it part of the record: nothing is
 * swallowed. Lines are read at most twice. Throws `csv-quote-unclosed` where a quote opens a record that grows
 * beyond `rowBytes` or to the end of the stream and never closes properly: how many rows it hides is unknown.
 */
export class CsvFraming {
  private readonly syntax: CsvSyntax;
  private readonly limits: Pick<RecordLimits, 'rowBytes'>;
  private open: Line[] = [];
  private openCharacters = 0;
  private openFault: RowFault | undefined;

  constructor(syntax: CsvSyntax, limits: Pick<RecordLimits, 'rowBytes'>) {
    this.syntax = syntax;
    this.limits = limits;
  }

  /** To be called at the end of the stream: a quote still open says that it was cut short or is damaged. */
  end(): void {
    const [first] = this.open;
    if (first) throw quoteUnclosed(first.number);
  }

  push({ firstLine, lines, faults }: LineBlock): CsvFrame[] {
    const frames: CsvFrame[] = [];
    for (let index = 0; index < lines.length; index += 1) {
      const found = faults.size === 0 ? undefined : faults.get(index);
      const line: Line = { number: firstLine + index, text: lines[index] ?? '', found };
      if (this.open.length > 0) this.continueRecord(line, frames);
      else this.beginRecord(line, frames);
    }
    return frames;
  }

  private beginRecord(line: Line, frames: CsvFrame[]): void {
    const isBlank = line.text.length < 2 && withoutCarriageReturn(line.text) === '';
    if (isBlank && !line.found) return;
    const ending = this.endingOf(line, 'unquoted');
    if (ending.quotes === 'open') this.keepOpen(line, ending);
    else frames.push(frameOf(line, ending.fault, this.isQuoted(line.text)));
  }

  private continueRecord(line: Line, frames: CsvFrame[]): void {
    const ending = this.endingOf(line, 'quoted');
    if (ending.quotes === 'misplaced') {
      this.readAgain(line, frames);
      return;
    }
    this.keepOpen(line, ending);
    if (ending.quotes === 'closed') this.close(frames);
  }

  private endingOf({ text, found }: Line, start: 'quoted' | 'unquoted'): Ending {
    if (found?.fault.code === 'row-bytes-exceeded') {
      // Within well-formed records an odd number of quotes changes sides.
      return (found.watchedBytes % 2 === 1) === (start === 'quoted') ? closed : open;
    }
    if (start === 'quoted' || this.isQuoted(text)) {
      return followQuotes(withoutCarriageReturn(text), this.syntax, start);
    }
    const at = text.indexOf('\r');
    return at === -1 || at === text.length - 1 ? closed : { quotes: 'closed', fault: carriageReturnBare() };
  }

  private isQuoted(text: string): boolean {
    return this.syntax.quote !== '' && text.includes(this.syntax.quote);
  }

  private keepOpen(line: Line, { fault }: Ending): void {
    const isFirst = this.open.length === 0;
    this.openCharacters += line.text.length + 1;
    if (line.found?.fault.code === 'row-bytes-exceeded') this.openCharacters = Number.POSITIVE_INFINITY;
    this.openFault ??= line.found?.fault ?? fault;
    // Of a record that grew too long only where it began is of use, and that it must close properly.
    if (isFirst || !this.isTooLong()) this.open.push(line);
    else this.open.length = 1;
  }

  /** Characters are never more than bytes, and need no counting. One CR and one LF end the record. */
  private isTooLong(): boolean {
    return this.openCharacters > this.limits.rowBytes + 2;
  }

  private close(frames: CsvFrame[]): void {
    const text = withoutCarriageReturn(this.open.map((line) => line.text).join('\n'));
    const isTooLong = this.isTooLong() || Buffer.byteLength(text) > this.limits.rowBytes;
    const fault = this.openFault ?? (isTooLong ? rowTooLong(this.limits) : undefined);
    frames.push({ line: this.open[0]?.number ?? 0, text: fault ? '' : text, isQuoted: true, fault });
    this.forget();
  }

  /** The quote of the first line was a stray one: it alone is set aside. */
  private readAgain(line: Line, frames: CsvFrame[]): void {
    const [first = line, ...others] = this.open;
    if (this.isTooLong()) throw quoteUnclosed(first.number);
    frames.push(frameOf(first, quoteMisplaced(), true));
    this.forget();
    for (const each of [...others, line]) {
      if (this.open.length > 0) this.continueRecord(each, frames);
      else this.beginRecord(each, frames);
    }
  }

  private forget(): void {
    this.open = [];
    this.openCharacters = 0;
    this.openFault = undefined;
  }
}

function quoteUnclosed(line: number): Failure {
  return new Failure({
    code: 'csv-quote-unclosed',
    disposition: 'give-up',
    message: `the quote opened in the record of line ${line} is never closed; correct the line, or fetch the file again if it was cut short`,
  });
}

function frameOf(line: Line, fault: RowFault | undefined, isQuoted: boolean): CsvFrame {
  const text = withoutCarriageReturn(line.text);
  return { line: line.number, text, isQuoted, fault: line.found?.fault ?? fault };
}

function withoutCarriageReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
