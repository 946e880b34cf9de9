import { readFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import type { Compression } from '../../../../shared/etl/records/compression.ts';
import type { RecordLimits } from '../../../../shared/etl/records/limits.ts';
import type { RecordFormat } from '../../../../shared/etl/records/read-records.ts';

/** What is hard to write down: text repeated, text with a counter in place of `#`, bytes that are no text. */
type Part =
  | string
  | { readonly repeat: string; readonly times: number }
  | { readonly count: number; readonly as: string; readonly between: string }
  | { readonly hex: string };

type Codec = 'gzip' | 'deflate' | 'deflateRaw' | 'br' | 'zstd';

interface Damage {
  readonly keepBytes?: number;
  readonly appendHex?: string;
  readonly double?: boolean;
  readonly flip?: number;
  readonly flipFromEnd?: number;
}

export interface CorpusCase {
  readonly name: string;
  readonly input: Part | readonly Part[];
  readonly compress?: readonly Codec[];
  readonly damage?: Damage;
  readonly compression?: Compression;
  readonly format?: RecordFormat;
  readonly limits?: Partial<RecordLimits>;
  /** The rows themselves, or how many where they are long. */
  readonly rows?: readonly unknown[] | number;
  /** Codes of the unreadable rows, in order. */
  readonly reasons?: readonly string[];
  /** Ordinals of the rows, then of the unreadable ones. */
  readonly ordinals?: readonly number[];
  /** Code of the Failure that ends the stream. */
  readonly failure?: string;
  /** Nothing can be known but that garbage yields no row. */
  readonly looseReasons?: boolean;
  /** The verdict holds for bytes that come in one piece; in pieces it is another failure or none. */
  readonly wholeOnly?: boolean;
}

export function readCorpus(file: string): CorpusCase[] {
  return JSON.parse(readFileSync(new URL(`corpus/${file}`, import.meta.url), 'utf8'));
}

export function bytesOf({ input, compress = [], damage = {} }: CorpusCase): Buffer {
  const parts = Array.isArray(input) ? input : [input];
  const plain = Buffer.concat(parts.map(bytesOfPart));
  return damaged(compress.reduce<Buffer>(compressed, plain), damage);
}

function bytesOfPart(part: Part): Buffer {
  if (typeof part === 'string') return Buffer.from(part);
  if ('hex' in part) return Buffer.from(part.hex, 'hex');
  if ('repeat' in part) return Buffer.from(part.repeat.repeat(part.times));
  return Buffer.from(
    Array.from({ length: part.count }, (_, index) => part.as.replace('#', `${index}`)).join(part.between),
  );
}

function compressed(bytes: Buffer, codec: Codec): Buffer {
  if (codec === 'gzip') return zlib.gzipSync(bytes);
  if (codec === 'deflate') return zlib.deflateSync(bytes);
  if (codec === 'deflateRaw') return zlib.deflateRawSync(bytes);
  if (codec === 'zstd') return zlib.zstdCompressSync(bytes);
  return zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } });
}

function damaged(bytes: Buffer, damage: Damage): Buffer {
  const kept = Buffer.from(bytes.subarray(0, damage.keepBytes ?? bytes.length));
  const flipped = damage.flip ?? (damage.flipFromEnd === undefined ? -1 : kept.length - damage.flipFromEnd);
  if (flipped >= 0) kept[flipped] = (kept[flipped] ?? 0) ^ 0x55;
  const tail = damage.double ? kept : Buffer.from(damage.appendHex ?? '', 'hex');
  return Buffer.concat([kept, tail]);
}
