/** The bytes of one JSON value, or that there were too many of them to keep. */
export type JsonFrame = Buffer | 'too-long';

type Kind = 'unknown' | 'scalar' | 'string' | 'container';

/**
 * Finds where one JSON value ends, from its first byte on, by counting brackets outside strings. It does not
 * judge the value: brackets of different kinds that balance are left to the parser to refuse.
 */
export class FrameScan {
  isWhole = false;
  private readonly mostBytes: number;
  private kind: Kind = 'unknown';
  private depth = 0;
  private isInString = false;
  private isEscaping = false;
  private parts: Buffer[] = [];
  private bytes = 0;

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
  }

  /** Reads on from `start`; returns the offset after the value, or the end of the chunk where it goes on. */
  push(chunk: Buffer, start: number): number {
    if (this.kind === 'unknown') this.kind = kindOf(chunk[start] ?? 0);
    const end = this.kind === 'scalar' ? this.findScalarEnd(chunk, start) : this.findClosing(chunk, start);
    this.bytes += end - start;
    if (this.bytes <= this.mostBytes) this.parts.push(chunk.subarray(start, end));
    else this.parts = [];
    return end;
  }

  /** What was read; for a scalar that ends with the document, too. */
  take(): JsonFrame {
    if (this.bytes > this.mostBytes) return 'too-long';
    const [only] = this.parts;
    return only && this.parts.length === 1 ? only : Buffer.concat(this.parts, this.bytes);
  }

  private findScalarEnd(chunk: Buffer, start: number): number {
    for (let offset = start; offset < chunk.length; offset += 1) {
      if (endsScalar(chunk[offset] ?? 0)) {
        this.isWhole = true;
        return offset;
      }
    }
    return chunk.length;
  }

  private findClosing(chunk: Buffer, start: number): number {
    for (let offset = start; offset < chunk.length; offset += 1) {
      const byte = chunk[offset];
      if (this.isInString) {
        if (this.isEscaping) this.isEscaping = false;
        else if (byte === 0x5c) this.isEscaping = true;
        else if (byte === 0x22) this.isInString = false;
      } else if (byte === 0x22) {
        this.isInString = true;
      } else if (byte === 0x7b || byte === 0x5b) {
        this.depth += 1;
      } else if (byte === 0x7d || byte === 0x5d) {
        this.depth -= 1;
      }
      if (this.depth === 0 && !this.isInString) {
        this.isWhole = true;
        return offset + 1;
      }
    }
    return chunk.length;
  }
}

function kindOf(byte: number): Kind {
  if (byte === 0x22) return 'string';
  return byte === 0x7b || byte === 0x5b ? 'container' : 'scalar';
}

/** Whitespace, a comma, a colon, a quote or a bracket. */
function endsScalar(byte: number): boolean {
  if (byte <= 0x20 || byte === 0x2c || byte === 0x3a || byte === 0x22) return true;
  return byte === 0x5b || byte === 0x5d || byte === 0x7b || byte === 0x7d;
}
