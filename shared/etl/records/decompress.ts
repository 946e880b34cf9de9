import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { Failure } from '../../runtime/errors.ts';
import type { Compression } from './compression.ts';
import { type RecordLimits, ratioGraceBytes } from './limits.ts';

type Engine = Transform & { readonly bytesWritten: number };

/** Small, so that a bomb is recognised before much of it was fed. */
const sliceBytes = 16 * 1024;

/**
 * `bytes` decompressed once. Deflate is the zlib format (RFC 1950), as RFC 9110 has it; gzip may have several
 * members (RFC 1952 section 2.2). Zstandard of several frames is read whole or refused, by where the reads of the
 * source happen to fall; it is never read in part. Leaving the iteration early closes the source. Throws
 * `expansion-ratio-exceeded` beyond `expansionRatio`, `archive-broken` where the data is damaged or cut short,
 * `archive-trailing-data` where more follows, `compression-unsupported` for zstd before Node 22.15; a failure of
 * the source passes through as it is.
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  compression: Exclude<Compression, 'none'>,
  limits: Pick<RecordLimits, 'expansionRatio'>,
): AsyncGenerator<Uint8Array> {
  const engine = createEngine(compression);
  const fed: Fed = { bytes: 0, sourceError: undefined };
  const feeding = pipeline(Readable.from(feed(bytes, fed), { objectMode: true, highWaterMark: 1 }), engine);
  // A broken pipe surfaces in the reading below as well; here it must only not go unheard.
  feeding.catch(() => undefined);
  let outBytes = 0;
  try {
    for await (const chunk of engine as AsyncIterable<Uint8Array>) {
      outBytes += chunk.length;
      checkRatio(outBytes, engine.bytesWritten, limits);
      yield chunk;
    }
  } catch (error) {
    throw fed.sourceError?.error ?? translate(error);
  } finally {
    engine.destroy();
  }
  if (engine.bytesWritten < fed.bytes) {
    throw archiveFailure('archive-trailing-data', 'is followed by bytes that belong to no compressed data');
  }
}

interface Fed {
  bytes: number;
  sourceError: { readonly error: unknown } | undefined;
}

async function* feed(bytes: AsyncIterable<Uint8Array>, fed: Fed): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of bytes) {
      for (let offset = 0; offset < chunk.length; offset += sliceBytes) {
        const slice = chunk.subarray(offset, offset + sliceBytes);
        fed.bytes += slice.length;
        yield slice;
      }
    }
  } catch (error) {
    fed.sourceError = { error };
    throw error;
  }
}

function createEngine(compression: Exclude<Compression, 'none'>): Engine {
  if (compression === 'gzip') return zlib.createGunzip();
  if (compression === 'deflate') return zlib.createInflate();
  if (compression === 'br') return zlib.createBrotliDecompress();
  if (typeof zlib.createZstdDecompress === 'function') return zlib.createZstdDecompress();
  throw new Failure({
    code: 'compression-unsupported',
    disposition: 'give-up',
    message: 'this Node.js has no Zstandard; run the pipeline on 22.15 or later, or send gzip',
  });
}

function checkRatio(outBytes: number, inBytes: number, limits: Pick<RecordLimits, 'expansionRatio'>): void {
  if (outBytes <= ratioGraceBytes || outBytes <= inBytes * limits.expansionRatio) return;
  throw new Failure({
    code: 'expansion-ratio-exceeded',
    disposition: 'give-up',
    message: `the compressed stream grows more than ${limits.expansionRatio} fold; check who made it, or raise expansionRatio`,
  });
}

function translate(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !('errno' in error)) return error;
  return archiveFailure('archive-broken', 'is damaged or ends too early', error);
}

function archiveFailure(code: string, what: string, cause?: unknown): Failure {
  const message = `the compressed stream ${what}; fetch it again or have it made again`;
  return new Failure({ code, disposition: 'give-up', message, cause });
}
