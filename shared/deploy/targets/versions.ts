import { join } from 'node:path';
import { type Disk, ifPresent } from './disk.ts';

/** What one directory holds under fixed names; the key is the only secret among them. */
const fileNames = ['fullchain.pem', 'privkey.pem', 'chain.pem', 'cert.pem'] as const;
export type FileName = (typeof fileNames)[number];
export type FileSet = ReadonlyMap<FileName, string>;

/**
 * Files that change together, in one directory:
 *
 *     fullchain.pem -> .current/fullchain.pem      (and the three others, made once)
 *     .current      -> .versions/2-1f0a…           (renamed into place: the one step that changes what is read)
 *     .versions/1-9c4e…, .versions/2-1f0a…         (the version before stays for a rollback)
 *
 * All names switch in a single rename, so whatever instant the process dies at, they read as one version. A
 * reader that opens two names while they switch resolves the real path of the first and opens its neighbour,
 * or starts after the switch, as a server does that is told to reload.
 */
export interface VersionedDirectory {
  readonly directory: string;
  readonly disk: Disk;
}

const currentName = '.current';
const scratchPrefix = '.new-';
const markName = '.reloaded';
const modeOf = (name: FileName): number => (name === 'privkey.pem' ? 0o600 : 0o644);
const numberOf = (version: string): number => Number.parseInt(version, 10);
const versionsOf = (place: VersionedDirectory): string => join(place.directory, '.versions');
const versionPath = (place: VersionedDirectory, version: string): string => join(versionsOf(place), version);

/** The version all names read from; undefined before the first. */
export async function findCurrentVersion(place: VersionedDirectory): Promise<string | undefined> {
  const target = await ifPresent(place.disk.readLink(join(place.directory, currentName)));
  return target?.replace(/^\.versions\//, '');
}

/** Whether a version holds exactly these files. */
export async function versionHolds(
  place: VersionedDirectory,
  version: string,
  files: FileSet,
): Promise<boolean> {
  const held = await readFiles(place, versionPath(place, version));
  return fileNames.every((name) => held.get(name) === files.get(name));
}

/**
 * Files that somebody else put under our names become a version with the content they have, and their names
 * links to it: the switch that follows is then a single step here too.
 */
export async function adoptForeignFiles(place: VersionedDirectory): Promise<void> {
  await place.disk.makeDirectory(versionsOf(place));
  const present = await readFiles(place, place.directory);
  const foreign = (await namesWithoutLink(place)).filter((name) => present.has(name));
  if (foreign.length === 0) return;
  await publishVersion(place, { files: present, label: 'adopted' });
  await linkNames(place);
}

/** Writes the files beside the versions there are, makes them current, and answers the new version's name. */
export async function publishVersion(
  place: VersionedDirectory,
  { files, label }: { readonly files: FileSet; readonly label: string },
): Promise<string> {
  const { disk } = place;
  const scratch = await disk.makeScratch(versionPath(place, scratchPrefix));
  const numbers = (await listVersions(place)).map(numberOf);
  const version = `${Math.max(0, ...numbers) + 1}-${label}`;
  try {
    for (const [name, text] of files) await disk.createFile(join(scratch, name), text, modeOf(name));
    await disk.syncDirectory(scratch);
    await disk.rename(scratch, versionPath(place, version));
  } catch (error) {
    await disk.remove(scratch).catch(() => undefined);
    throw error;
  }
  await disk.syncDirectory(versionsOf(place));
  await putLink(place, { name: currentName, target: `.versions/${version}` });
  await disk.syncDirectory(place.directory);
  return version;
}

/** Makes every fixed name a link into the current version; those that are stay untouched. */
export async function linkNames(place: VersionedDirectory): Promise<void> {
  for (const name of await namesWithoutLink(place)) await putLink(place, { name, target: linkTarget(name) });
  await place.disk.syncDirectory(place.directory);
}

/**
 * Removes what is older than `previous`, and what attempts that died left behind. Versions between `previous`
 * and the current one stay: another attempt may be about to make them current.
 */
export async function pruneVersions(place: VersionedDirectory, previous: string | undefined): Promise<void> {
  const { disk } = place;
  const oldest = previous === undefined ? 0 : numberOf(previous);
  for (const version of await listVersions(place)) {
    if (numberOf(version) < oldest) await disk.remove(versionPath(place, version));
  }
  for (const parent of [place.directory, versionsOf(place)]) {
    const leftovers = (await disk.list(parent)).filter((entry) => entry.startsWith(scratchPrefix));
    for (const leftover of leftovers) await disk.remove(join(parent, leftover));
  }
}

/** What was last marked as having been reloaded with this version. */
export const readMark = (place: VersionedDirectory, version: string): Promise<string | undefined> =>
  ifPresent(place.disk.readText(join(versionPath(place, version), markName)));

export async function writeMark(place: VersionedDirectory, version: string, mark: string): Promise<void> {
  const path = join(versionPath(place, version), markName);
  await place.disk.remove(path);
  await place.disk.createFile(path, mark, 0o644);
}

async function readFiles(place: VersionedDirectory, from: string): Promise<FileSet> {
  const files = new Map<FileName, string>();
  for (const name of fileNames) {
    const text = await ifPresent(place.disk.readText(join(from, name)));
    if (text !== undefined) files.set(name, text);
  }
  return files;
}

const linkTarget = (name: FileName): string => `${currentName}/${name}`;

async function namesWithoutLink(place: VersionedDirectory): Promise<readonly FileName[]> {
  const without: FileName[] = [];
  for (const name of fileNames) {
    const target = await ifPresent(place.disk.readLink(join(place.directory, name)));
    if (target !== linkTarget(name)) without.push(name);
  }
  return without;
}

async function listVersions(place: VersionedDirectory): Promise<readonly string[]> {
  return (await place.disk.list(versionsOf(place))).filter((entry) => /^\d+-/.test(entry));
}

/** Renames a link into place, so that its name never reads as missing. */
async function putLink(place: VersionedDirectory, link: { name: string; target: string }): Promise<void> {
  const scratch = join(place.directory, `${scratchPrefix}${link.name.replace(/^\./, '')}`);
  await place.disk.remove(scratch);
  await place.disk.link(link.target, scratch);
  await place.disk.rename(scratch, join(place.directory, link.name));
}
