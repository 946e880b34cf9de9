import { RowFault } from './reading.ts';

export interface CsvSyntax {
  /** One ASCII character. */
  readonly delimiter: string;
  /** One ASCII character, or empty where nothing is quoted. */
  readonly quote: string;
}

/** How a line leaves the quoting, and what was wrong on the way. */
export interface Ending {
  readonly quotes: 'closed' | 'open' | 'misplaced';
  readonly fault?: RowFault | undefined;
}

export const closed: Ending = { quotes: 'closed' };
export const open: Ending = { quotes: 'open' };

export function quoteMisplaced(): RowFault {
  return new RowFault('csv-quote-misplaced', 'a quote inside a field is not doubled; quote as RFC 4180 does');
}

export function carriageReturnBare(): RowFault {
  const message = 'a carriage return without line feed outside quotes; end lines with LF or CRLF';
  return new RowFault('csv-carriage-return-bare', message);
}

/** How the quoting stands at the end of a line that begins within quotes or outside. Reads each character once. */
export function followQuotes(
  text: string,
  { delimiter, quote }: CsvSyntax,
  start: 'quoted' | 'unquoted',
): Ending {
  if (start === 'quoted' && !text.includes(quote)) return open;
  let isQuoted = start === 'quoted';
  let fault: RowFault | undefined;
  let nextQuote = text.indexOf(quote);
  let nextReturn = text.indexOf('\r');
  for (let offset = 0; ; ) {
    if (nextQuote !== -1 && nextQuote < offset) nextQuote = text.indexOf(quote, offset);
    if (nextReturn !== -1 && nextReturn < offset) nextReturn = text.indexOf('\r', offset);
    if (isQuoted) {
      if (nextQuote === -1) return fault ? { quotes: 'open', fault } : open;
      const after = text[nextQuote + 1];
      if (after === undefined) return { quotes: 'closed', fault };
      if (after !== quote && after !== delimiter) return { quotes: 'misplaced', fault: quoteMisplaced() };
      isQuoted = after === quote;
      offset = nextQuote + 2;
    } else if (nextQuote === offset) {
      isQuoted = true;
      offset += 1;
    } else {
      const found = text.indexOf(delimiter, offset);
      const end = found === -1 ? text.length : found;
      if (nextQuote !== -1 && nextQuote < end) return { quotes: 'misplaced', fault: quoteMisplaced() };
      if (nextReturn !== -1 && nextReturn < end) fault ??= carriageReturnBare();
      if (found === -1) return { quotes: 'closed', fault };
      offset = found + 1;
    }
  }
}
