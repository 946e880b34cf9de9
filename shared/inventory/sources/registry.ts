import type { S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../../runtime/errors.ts';
import { maximumInventoryBytes } from '../inventory-file.ts';
import { quote } from '../problems.ts';
import { fileSource } from './file.ts';
import type { InventorySource } from './source.ts';

export interface InventoryAccess {
  readonly signal: AbortSignal;
  /** Asked for a client only where the inventory is in S3. */
  readonly s3?: () => S3Client | Promise<S3Client>;
  /** Default 30,000. */
  readonly timeoutMillis?: number;
  /** Default 64 MiB. */
  readonly maximumBytes?: number;
}

type OpenSource = (access: InventoryAccess) => Promise<InventorySource>;

/** One row per source; its modules are loaded when it is the one asked. */
const sources = new Map<string, OpenSource>([
  ['file', async () => fileSource],
  [
    's3',
    async ({ s3 }) => {
      const { s3Source } = await import('./s3.ts');
      const { S3Client } = await import('@aws-sdk/client-s3');
      return s3Source(s3 ? await s3() : new S3Client({}));
    },
  ],
]);

/**
 * Reads the text of the inventory at a path, `file:///path` or `s3://bucket/key`.
 * @throws Failure `inventory-missing`, `inventory-unreadable`, `inventory-too-large`
 */
export async function readInventory(location: string, access: InventoryAccess): Promise<string> {
  const open = sources.get(schemeOf(location));
  if (!open) throw unknownScheme(location);
  const signal = AbortSignal.any([access.signal, AbortSignal.timeout(access.timeoutMillis ?? 30_000)]);
  const source = await open(access);
  return source.read(location, { signal, maximumBytes: access.maximumBytes ?? maximumInventoryBytes });
}

const schemeOf = (location: string): string =>
  /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase() ?? 'file';

const unknownScheme = (location: string): Failure =>
  new Failure({
    code: 'inventory-unreadable',
    disposition: 'give-up',
    message: `inventory ${quote(location)} is of no known source; give a path, file:///path or s3://bucket/key`,
  });
