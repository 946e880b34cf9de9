import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../shared/runtime/errors.ts';
import type { Template } from './intrinsics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tool = join(root, 'node_modules', 'serverless');
const defaultCacheDirectory = join(root, 'node_modules', '.cache', 'certfleet');
const packageTimeoutMillis = 120_000;

/**
 * The CloudFormation template of serverless.yml, kept until serverless.yml, infra/ or the tool change. Needs no
 * credentials, no network and no bundles: what is packaged is empty, since only the template is wanted.
 * @throws Failure `synthesis-failed` with the tool's own output
 */
export async function synthesizeTemplate(options: {
  stage: string;
  cacheDirectory?: string | undefined;
}): Promise<Template> {
  const { stage, cacheDirectory = defaultCacheDirectory } = options;
  const path = join(cacheDirectory, `template-${await fingerprint(stage)}.json`);
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept);
  const text = await packageTemplate(stage);
  await mkdir(cacheDirectory, { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
  return JSON.parse(text);
}

async function fingerprint(stage: string): Promise<string> {
  const hash = createHash('sha256').update(stage);
  const infra = (await readdir(join(root, 'infra'))).filter((name) => name.endsWith('.yml')).sort();
  const inputs = ['serverless.yml', ...infra.map((name) => join('infra', name))];
  for (const path of [...inputs.map((name) => join(root, name)), join(tool, 'package.json')]) {
    hash.update(`\0${path.slice(root.length)}\0`).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 32);
}

async function packageTemplate(stage: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'certfleet-synthesis-'));
  try {
    await layOut(scratch);
    await runTool(scratch, ['package', '--stage', stage, '--package', join(scratch, 'package')]);
    return await readFile(join(scratch, 'package', 'cloudformation-template-update-stack.json'), 'utf8');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A service directory of its own, so that two processes never meet in the checkout. */
async function layOut(scratch: string): Promise<void> {
  const definition = await readFile(join(root, 'serverless.yml'), 'utf8');
  await writeFile(join(scratch, 'serverless.yml'), definition);
  await cp(join(root, 'infra'), join(scratch, 'infra'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(scratch, 'node_modules'), 'junction');
  await mkdir(join(scratch, 'dist'));
  for (const [bundle] of definition.matchAll(/dist\/[\w-]+\.cjs/g)) {
    await writeFile(join(scratch, bundle), '');
  }
}

function runTool(scratch: string, args: readonly string[]): Promise<void> {
  const { PATH = '', SystemRoot } = process.env;
  const env = {
    PATH,
    ...(SystemRoot === undefined ? {} : { SystemRoot }),
    HOME: scratch,
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    CI: '1',
  };
  const options = { cwd: scratch, env, timeout: packageTimeoutMillis, maxBuffer: 16 * 1_048_576 };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(tool, 'bin', 'serverless.js'), ...args],
      options,
      (error, stdout, stderr) => {
        if (!error) return resolve();
        const message = `sls ${args[0]} failed on serverless.yml:\n${stdout}${stderr}`.trim();
        reject(new Failure({ code: 'synthesis-failed', disposition: 'give-up', message, cause: error }));
      },
    );
  });
}
