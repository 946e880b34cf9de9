import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFunctions } from '../../infra/bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cacheDirectory = join(root, 'node_modules', '.cache', 'certfleet');
const sourceFolders = ['functions', 'shared', 'events', 'infra'];

/**
 * The directory of the functions' bundles, built anew only when a source or a dependency changed. Processes that
 * start together may build twice; both end with the same bytes under the same name.
 */
export async function findBundles(): Promise<string> {
  const directory = join(cacheDirectory, `bundles-${await fingerprint()}`);
  if (await exists(directory)) return directory;
  await mkdir(cacheDirectory, { recursive: true });
  const building = join(cacheDirectory, `building-${randomUUID()}`);
  await bundleFunctions({ outdir: building });
  try {
    await rename(building, directory);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (!(await exists(directory))) throw error;
  }
  return directory;
}

async function fingerprint(): Promise<string> {
  const listings = await Promise.all(
    sourceFolders.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  const paths = [...listings.flat().sort(), join(root, 'package-lock.json')];
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  const hash = createHash('sha256');
  for (const [index, content] of contents.entries()) {
    hash.update(`\0${paths[index]?.slice(root.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
