import { createHash } from 'node:crypto';
import type { LoadChunk } from '../destination.ts';

/**
 * What a warehouse knows one attempt at a chunk by, 64 hexadecimal digits: the same request sent twice is done once,
 * and the next worker's is another one.
 */
export const tokenOf = (purpose: string, { loadId, chunkId, runId, fence }: LoadChunk): string =>
  digest([purpose, loadId, chunkId, runId, String(fence)]);

const digest = (texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex');

/** The name space of our UUIDs; any fixed one will do. */
const nameSpace = Buffer.from('6f1d3a52c0e54b7f9a1e2d8c4b7a9e10', 'hex');

/** A token as a name-based UUID of version 5 (RFC 9562, 5.5). */
export function uuidOf(token: string): string {
  const bytes = createHash('sha1').update(nameSpace).update(token).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
