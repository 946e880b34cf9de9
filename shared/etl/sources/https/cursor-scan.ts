import { Failure } from '../../../runtime/errors.ts';
import { FrameScan, type JsonFrame } from '../../records/json-frame.ts';

type Place = 'value' | 'key' | 'colon' | 'after-value' | 'over';

const code = (character: string) => character.charCodeAt(0);
const [quote, comma, colon] = [code('"'), code(','), code(':')];
const [openBrace, closeBrace, openBracket, closeBracket] = [code('{'), code('}'), code('['), code(']')];

/** Longer cursors fit into no URL that servers take. */
export const longestCursorBytes = 4_096;

/**
 * Finds the value at a JSON pointer (RFC 6901) while a document passes by, so that its rows can be streamed. It
 * judges nothing but its own way: whether the document is well-formed and no key is given twice is for the reader of
 * the rows to say, over the same bytes.
 */
export class CursorScan {
  private readonly tokens: readonly string[];
  /** Containers entered so far: the next token belongs to the last one. */
  private depth = 0;
  private element = -1;
  private isOnPath = true;
  private place: Place = 'value';
  private frame: FrameScan | undefined;
  private found: JsonFrame | undefined;

  constructor(pointer: string) {
    this.tokens = pointer
      .slice(1)
      .split('/')
      .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  }

  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length && this.place !== 'over') {
      if (this.frame) {
        offset = this.frame.push(chunk, offset);
        if (this.frame.isWhole) this.finishFrame(this.frame.take());
      } else if (isPassedOver(chunk[offset] ?? 0) || !this.step(chunk[offset] ?? 0)) {
        offset += 1;
      }
    }
  }

  /**
   * The cursor as text, for a number its digits; undefined for null, false, "" and where there is nothing.
   * @throws Failure `source-cursor-invalid` (give-up)
   */
  cursor(): string | undefined {
    if (this.found === undefined) return undefined;
    if (this.found === 'too-long') throw invalid(`is longer than ${longestCursorBytes} bytes`);
    const text = this.found.toString('utf8').trim();
    if (/^-?\d+$/.test(text)) return text;
    const value = parse(text);
    if (value === null || value === false || value === '') return undefined;
    if (typeof value !== 'string' || !value.isWellFormed())
      throw invalid('is neither text nor a whole number');
    return value;
  }

  /** Handles one byte of structure; true where it begins a key or value that is read by a frame instead. */
  private step(byte: number): boolean {
    switch (this.place) {
      case 'value':
        if (endsContainer(byte)) return this.go('over');
        return this.isOnPath && this.depth < this.tokens.length ? this.enter(byte) : this.startFrame();
      case 'key':
        return byte === quote ? this.startFrame() : this.go('over');
      case 'colon':
        return this.go(byte === colon ? 'value' : 'over');
      case 'after-value':
        if (byte !== comma) return this.go('over');
        return this.element < 0 ? this.go('key') : this.nextElement();
      case 'over':
        return false;
    }
  }

  private enter(byte: number): boolean {
    this.depth += 1;
    this.element = -1;
    if (byte === openBrace) return this.go('key');
    return byte === openBracket ? this.nextElement() : this.go('over');
  }

  private nextElement(): false {
    this.element += 1;
    this.isOnPath = String(this.element) === this.tokens[this.depth - 1];
    return this.go('value');
  }

  private go(place: Place): false {
    this.place = place;
    return false;
  }

  private startFrame(): true {
    const isWanted = this.place === 'key' || this.isOnPath;
    this.frame = new FrameScan(isWanted ? longestCursorBytes : 0);
    return true;
  }

  private finishFrame(frame: JsonFrame): void {
    this.frame = undefined;
    if (this.place === 'key') {
      this.isOnPath = frame !== 'too-long' && parse(frame.toString('utf8')) === this.tokens[this.depth - 1];
      this.place = 'colon';
    } else if (this.isOnPath) {
      this.found = frame;
      this.place = 'over';
    } else {
      this.place = 'after-value';
    }
  }
}

/** White space, and a byte order mark's bytes, which stand before a document alone. */
const isPassedOver = (byte: number) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte >= 0x80;

const endsContainer = (byte: number) => byte === closeBracket || byte === closeBrace;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const invalid = (what: string) =>
  new Failure({
    code: 'source-cursor-invalid',
    disposition: 'give-up',
    message: `the cursor to the next page ${what}; correct pagination.next of the source`,
  });
