import { documentBroken, pathMissing, readBeside } from './json-beside.ts';
import { FrameScan, type JsonFrame } from './json-frame.ts';
import type { RecordLimits } from './limits.ts';
import { isRefusedKey } from './reading.ts';

type Place =
  | 'start'
  | 'first-key'
  | 'key'
  | 'colon'
  | 'value'
  | 'after-value'
  | 'first-element'
  | 'element'
  | 'after-element'
  | 'end';

/** An object on the way to the rows. */
interface Level {
  readonly names: Set<string>;
  isFound: boolean;
}

const code = (character: string) => character.charCodeAt(0);
const [quote, comma, colon] = [code('"'), code(','), code(':')];
const [openBrace, closeBrace, openBracket, closeBracket] = [code('{'), code('}'), code('['), code(']')];

/**
 * Walks a JSON document byte by byte down a path of keys to one array and cuts out the text of each element,
 * holding no more than one value. What stands beside the path must be JSON too and is dropped. Throws a Failure
 * where the document itself is broken; what is wrong within an element is left to whoever reads the element.
 */
export class DocumentScan {
  private readonly path: readonly string[];
  private readonly limits: RecordLimits;
  private readonly levels: Level[] = [];
  private place: Place = 'start';
  private key = '';
  private frame: FrameScan | undefined;
  private passedBytes = 0;

  constructor(path: readonly string[], limits: RecordLimits) {
    this.path = path;
    this.limits = limits;
  }

  /** The elements that end within `chunk`. */
  push(chunk: Buffer): JsonFrame[] {
    const elements: JsonFrame[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.frame) {
        offset = this.frame.push(chunk, offset);
        if (this.frame.isWhole) this.finishFrame(this.frame.take(), this.passedBytes + offset, elements);
      } else {
        const byte = chunk[offset] ?? 0;
        const isFrameStart = !isWhitespace(byte) && this.step(byte, this.passedBytes + offset);
        if (!isFrameStart) offset += 1;
      }
    }
    this.passedBytes += chunk.length;
    return elements;
  }

  /** To be called at the end of the document. */
  end(): void {
    if (this.place !== 'end') throw documentBroken('it ends before it is closed', this.passedBytes);
  }

  /** Handles one byte of structure; true where the byte begins a value to be cut out instead. */
  private step(byte: number, at: number): boolean {
    switch (this.place) {
      case 'start':
        return this.enter(byte);
      case 'first-key':
      case 'key':
        if (byte === quote) return this.startFrame();
        if (byte === closeBrace && this.place === 'first-key') return this.closeObject();
        throw documentBroken('a key in double quotes is missing', at);
      case 'colon':
        if (byte !== colon) throw documentBroken('a colon is missing', at);
        return this.go('value');
      case 'value':
        return this.isOnPath() ? this.enter(byte) : this.startValue(byte, at);
      case 'after-value':
        if (byte === comma) return this.go('key');
        if (byte === closeBrace) return this.closeObject();
        throw documentBroken('a comma or a closing brace is missing', at);
      case 'first-element':
        return byte === closeBracket ? this.leave() : this.startValue(byte, at);
      case 'element':
        return this.startValue(byte, at);
      case 'after-element':
        if (byte === comma) return this.go('element');
        if (byte === closeBracket) return this.leave();
        throw documentBroken('a comma or a closing bracket is missing', at);
      case 'end':
        throw documentBroken('text follows its end', at);
    }
  }

  private go(place: Place): false {
    this.place = place;
    return false;
  }

  private enter(byte: number): false {
    const isArrayDue = this.levels.length === this.path.length;
    if (byte !== (isArrayDue ? openBracket : openBrace)) throw pathMissing(this.path.length);
    if (isArrayDue) return this.go('first-element');
    this.levels.push({ names: new Set(), isFound: false });
    return this.go('first-key');
  }

  private isOnPath(): boolean {
    return this.key === this.path[this.levels.length - 1];
  }

  private closeObject(): false {
    if (!this.levels.pop()?.isFound) throw pathMissing(this.path.length);
    return this.leave();
  }

  private leave(): false {
    return this.go(this.levels.length === 0 ? 'end' : 'after-value');
  }

  private startValue(byte: number, at: number): true {
    if (byte === comma || byte === closeBracket || byte === closeBrace || byte === colon) {
      throw documentBroken('a value is missing', at);
    }
    return this.startFrame();
  }

  private startFrame(): true {
    this.frame = new FrameScan(this.limits.rowBytes);
    return true;
  }

  private finishFrame(frame: JsonFrame, at: number, elements: JsonFrame[]): void {
    this.frame = undefined;
    if (this.place === 'element' || this.place === 'first-element') {
      elements.push(frame);
      this.place = 'after-element';
    } else if (this.place === 'value') {
      readBeside(frame, this.limits, at);
      this.place = 'after-value';
    } else {
      this.readKey(frame, at);
      this.place = 'colon';
    }
  }

  private readKey(frame: JsonFrame, at: number): void {
    const key = readBeside(frame, this.limits, at);
    const level = this.levels.at(-1);
    if (typeof key !== 'string' || !level) throw documentBroken('a key is missing', at);
    if (isRefusedKey(key) || level.names.has(key) || level.names.size === this.limits.columns) {
      throw documentBroken('a key beside the rows is refused, repeated or one too many', at);
    }
    level.names.add(key);
    this.key = key;
    level.isFound ||= this.isOnPath();
  }
}

function isWhitespace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
