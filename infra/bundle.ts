import { realpathSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Bundle {
  /** The function's name, which is its file's name. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** Every Lambda's entry point: the files below functions/, one function each. */
async function findFunctionSources(): Promise<string[]> {
  const entries = await readdir(join(root, 'functions'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Bundles every function into `outdir`/<function-name>.cjs, AWS SDK included, with its source map beside it.
 * The same sources always give the same bytes, so an unchanged function is not deployed again. Files are
 * replaced in one move: a process that loads them meanwhile reads the old ones or the new ones.
 */
export async function bundleFunctions(options: { outdir: string }): Promise<Bundle[]> {
  await mkdir(options.outdir, { recursive: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: (await findFunctionSources()).map((source) => ({
      in: source,
      out: basename(source, '.ts'),
    })),
    outdir: options.outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // CommonJS builds of the SDK cannot be tree-shaken; its ES modules can.
    mainFields: ['module', 'main'],
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  // A bundle refers to its map, so the map is there first.
  const outputs = result.outputFiles.sort((one, other) => (one.path < other.path ? 1 : -1));
  for (const { path, contents } of outputs) {
    const temporary = `${path}.${process.pid}.new`;
    await writeFile(temporary, contents);
    await rename(temporary, path);
  }
  return outputs
    .filter(({ path }) => path.endsWith('.cjs'))
    .map(({ path, contents }) => ({ name: basename(path, '.cjs'), path, sizeBytes: contents.length }));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const bundles = await bundleFunctions({ outdir: join(root, 'dist') });
  for (const { path, sizeBytes } of bundles) {
    console.error(`${relative(root, path).padEnd(32)} ${(sizeBytes / 1024).toFixed(0).padStart(6)} KiB`);
  }
  const totalBytes = bundles.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.error(`${'total'.padEnd(32)} ${(totalBytes / 1024).toFixed(0).padStart(6)} KiB`);
}
