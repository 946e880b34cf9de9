import { createObjectSealer, openObject } from '../objects/sealed-object.ts';
import type { Part, PartShelf } from './parts.ts';
import { requireBytes } from './work-objects.ts';

/** Where a worker stopped reading. Sealed, since a source's cursor may be made of what it points to. */
export interface Standstill {
  /** The source's own. */
  readonly checkpoint: string;
  readonly parts: readonly Part[];
}

/** Keeps a standstill and answers the key under which the next worker finds it. */
export async function keepStandstill(
  { store, dataKey, random }: PartShelf,
  key: string,
  standstill: Standstill,
): Promise<string> {
  const body = createObjectSealer(random)(dataKey, { key }, Buffer.from(JSON.stringify(standstill)));
  await store.create({ key, body, contentType: 'application/octet-stream' });
  return key;
}

/** @throws Failure `work-object-missing` */
export async function readStandstill({ store, dataKey }: PartShelf, key: string): Promise<Standstill> {
  const text = openObject(dataKey, { key }, await requireBytes(store, key));
  return JSON.parse(Buffer.from(text).toString('utf8'));
}
