import { hash } from 'node:crypto';

/**
 * The `due` index is sharded so that no single partition carries a fleet (one takes about 1,000 writes a
 * second); a tick asks every shard. The number is part of the stored data: changing it means re-indexing.
 */
export const dueShards: readonly string[] = Array.from({ length: 16 }, (_, shard) => String(shard));

export function dueShardOf(certificateName: string): string {
  const firstByte = hash('sha256', certificateName, 'buffer').readUInt8(0);
  return dueShards[firstByte % dueShards.length] ?? '0';
}
