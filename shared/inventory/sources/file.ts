import { open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../runtime/errors.ts';
import { quote } from '../problems.ts';
import { readBody, tooLarge, tooSlow } from './body.ts';
import type { InventorySource, SourceRequest } from './source.ts';

/** `file:///path`, or anything without a scheme: a path from the working directory. */
export const fileSource: InventorySource = {
  async read(location, request) {
    try {
      const path = /^file:\/\//i.test(location) ? fileURLToPath(location) : location;
      return await readFile(path, location, request);
    } catch (error) {
      throw translate(error, location, request.signal);
    }
  },
};

async function readFile(path: string, location: string, request: SourceRequest): Promise<string> {
  // Asked before opening, because opening a pipe nobody writes to would wait for ever.
  const status = await stat(path);
  if (!status.isFile()) throw unreadable(location, 'is not a regular file');
  if (status.size > request.maximumBytes) throw tooLarge(location, request.maximumBytes);
  const handle = await open(path);
  const chunks = handle.createReadStream({ signal: request.signal });
  return readBody(chunks, { location, maximumBytes: request.maximumBytes });
}

function translate(error: unknown, location: string, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal.aborted) return tooSlow(location, error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new Failure({
      code: 'inventory-missing',
      disposition: 'give-up',
      message: `inventory ${quote(location)} does not exist; check the path`,
      cause: error,
    });
  }
  return unreadable(location, `cannot be read (${code}); check its path and permissions`, error);
}

const unreadable = (location: string, reason: string, cause?: unknown): Failure =>
  new Failure({
    code: 'inventory-unreadable',
    disposition: 'give-up',
    message: `inventory ${quote(location)} ${reason}`,
    cause,
  });
