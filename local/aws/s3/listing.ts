import type { ObjectVersion } from './object-version.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The last item, where more follow. */
  readonly last: Item | undefined;
}

/** An object, or what keys below a delimiter have in common. */
export type ListItem =
  | { readonly kind: 'object'; readonly version: ObjectVersion }
  | { readonly kind: 'prefix'; readonly prefix: string };

export const nameOfItem = (item: ListItem): string =>
  item.kind === 'object' ? item.version.key : item.prefix;

interface Listed {
  readonly keys: readonly string[];
  versionsOf(key: string): readonly ObjectVersion[];
}

/** Keys are ordered by their bytes. */
const compareKeys = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other));

/** The keys under a prefix, from the place on where `from` is or would be. */
function* keysUnder(keys: readonly string[], prefix: string, from: string): Generator<string> {
  const first = compareKeys(from, prefix) > 0 ? from : prefix;
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] ?? '', first) < 0) low = middle + 1;
    else high = middle;
  }
  for (let at = low; keys[at]?.startsWith(prefix); at++) yield keys[at] ?? '';
}

/** A page of objects that are there, keys with a delimiter behind the prefix taken together. */
export function listObjects(
  bucket: Listed,
  wanted: { prefix: string; delimiter: string; after: string | undefined; atMost: number },
): Page<ListItem> {
  const { prefix, delimiter, after, atMost } = wanted;
  const items: ListItem[] = [];
  for (const key of keysUnder(bucket.keys, prefix, after ?? '')) {
    if (key === after) continue;
    const [version] = bucket.versionsOf(key);
    if (!version || version.deleted) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    const previous = items.at(-1);
    if (common !== undefined && (common === after || (previous && nameOfItem(previous) === common))) continue;
    if (items.length === atMost) return { items, last: items.at(-1) };
    items.push(common === undefined ? { kind: 'object', version } : { kind: 'prefix', prefix: common });
  }
  return { items, last: undefined };
}

export interface ListedVersion {
  readonly version: ObjectVersion;
  readonly latest: boolean;
}

/** A page of versions by key, newest first, behind a key or behind one of its versions. */
export function listVersions(
  bucket: Listed,
  wanted: { prefix: string; key: string | undefined; versionId: string | undefined; atMost: number },
): Page<ListedVersion> {
  const items: ListedVersion[] = [];
  for (const key of keysUnder(bucket.keys, wanted.prefix, wanted.key ?? '')) {
    const goesOn = key === wanted.key && wanted.versionId !== undefined;
    if (key === wanted.key && !goesOn) continue;
    const versions = bucket.versionsOf(key);
    const seen = goesOn ? versions.findIndex(({ versionId }) => versionId === wanted.versionId) + 1 : 0;
    for (const version of versions.slice(seen)) {
      if (items.length === wanted.atMost) return { items, last: items.at(-1) };
      items.push({ version, latest: version === versions[0] });
    }
  }
  return { items, last: undefined };
}
