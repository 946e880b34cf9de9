import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CertificateMaterial } from '../../../../shared/deploy/material.ts';
import { createMaterial } from '../../../../shared/deploy/material.ts';
import { createFileTarget } from '../../../../shared/deploy/targets/file.ts';
import type { ProgramOutcome, RunProgram } from '../../../../shared/deploy/targets/run-program.ts';
import { createTestCa } from '../../../support/test-ca.ts';

const signal = new AbortController().signal;
const names = ['cert.pem', 'chain.pem', 'fullchain.pem', 'privkey.pem'];
const materials: CertificateMaterial[] = [];
let root: string;

beforeAll(async () => {
  const ca = await createTestCa();
  for (let made = 0; made < 4; made += 1) {
    const pair = await ca.issue({ domains: ['example.com'] });
    materials.push(createMaterial({ name: 'example.com', ...pair }));
  }
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'certfleet-file-'));
});
afterEach(() => rm(root, { recursive: true }));

const material = (index: number): CertificateMaterial => {
  const found = materials[index];
  if (found === undefined) throw new Error(`no material ${index}`);
  return found;
};
const read = (name: string) => readFile(join(root, 'example.com', name), 'utf8');
const deploy = (index: number, reloadCommand?: readonly string[], run?: RunProgram) =>
  createFileTarget({ deployDirectory: root, run }).deploy(
    { type: 'file', reloadCommand },
    material(index),
    signal,
  );

/** A program runner that ends as the test says and counts. */
function aRunner(...outcomes: ProgramOutcome[]) {
  const commands: (readonly string[])[] = [];
  const run: RunProgram = async ({ command }) => {
    commands.push(command);
    return outcomes[commands.length - 1] ?? { ended: 'ok' };
  };
  return { run, commands };
}

describe('the files', () => {
  it('are four, with the key readable by its owner alone', async () => {
    await deploy(0);
    expect(await read('fullchain.pem')).toBe(material(0).fullchainPem);
    expect(await read('privkey.pem')).toBe(material(0).privateKeyPem);
    expect(await read('chain.pem')).toBe(material(0).chainPem);
    expect(await read('cert.pem')).toBe(material(0).leafPem);
    const modes = await Promise.all(
      names.map(async (name) => (await stat(join(root, 'example.com', name))).mode),
    );
    expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['644', '644', '644', '600']);
  });

  it('leave two versions and nothing half made behind', async () => {
    for (const index of [0, 1, 2, 3]) await deploy(index);
    const versions = await readdir(join(root, 'example.com', '.versions'));
    expect(versions.map((version) => version.split('-')[0]).sort()).toEqual(['3', '4']);
    expect((await readdir(join(root, 'example.com'))).sort()).toEqual(['.current', '.versions', ...names]);
  });

  it('stand in the directory of a wildcard\u2019s storage name', async () => {
    const wildcard = { ...material(0), name: '*.example.com' };
    await createFileTarget({ deployDirectory: root }).deploy({ type: 'file' }, wildcard, signal);
    expect(await readdir(root)).toEqual(['_wildcard.example.com']);
  });

  it('replace a foreign pair and links to another tool\u2019s files', async () => {
    const directory = join(root, 'example.com');
    await mkdir(directory);
    await writeFile(join(root, 'foreign-key.pem'), material(1).privateKeyPem);
    await writeFile(join(directory, 'fullchain.pem'), material(1).fullchainPem);
    await symlink('../foreign-key.pem', join(directory, 'privkey.pem'));
    await deploy(0);
    expect(await read('privkey.pem')).toBe(material(0).privateKeyPem);
    expect(await readFile(join(root, 'foreign-key.pem'), 'utf8')).toBe(material(1).privateKeyPem);
    const adopted = join(directory, '.versions', '1-adopted');
    expect(await readFile(join(adopted, 'privkey.pem'), 'utf8')).toBe(material(1).privateKeyPem);
    expect(((await lstat(join(adopted, 'privkey.pem'))).mode & 0o777).toString(8)).toBe('600');
  });

  it('come back after somebody overwrote one', async () => {
    await deploy(0);
    await rm(join(root, 'example.com', 'privkey.pem'));
    await writeFile(join(root, 'example.com', 'privkey.pem'), 'overwritten');
    expect(await deploy(0)).toMatchObject({ result: 'deployed' });
    expect(await read('privkey.pem')).toBe(material(0).privateKeyPem);
  });
});

describe('the reload', () => {
  it('runs once per new pair and not for an unchanged one', async () => {
    const { run, commands } = aRunner();
    expect(await deploy(0, ['nginx', '-s', 'reload'], run)).toMatchObject({ reload: 'done' });
    expect(await deploy(0, ['nginx', '-s', 'reload'], run)).toMatchObject({ result: 'unchanged' });
    expect(await deploy(1, ['nginx', '-s', 'reload'], run)).toMatchObject({ result: 'deployed' });
    expect(commands).toEqual([
      ['nginx', '-s', 'reload'],
      ['nginx', '-s', 'reload'],
    ]);
  });

  it('runs again when it failed the time before', async () => {
    const { run, commands } = aRunner({ ended: 'failed', status: 1, output: 'line 3:\nno such file\n' });
    await expect(deploy(0, ['reload-it'], run)).rejects.toMatchObject({
      code: 'reload-failed',
      disposition: 'retry',
      message:
        'certificate example.com: the files are in place, but the reload command reload-it ended with status 1; it printed: line 3: no such file',
    });
    expect(await deploy(0, ['reload-it'], run)).toMatchObject({ result: 'deployed', reload: 'done' });
    expect(commands).toHaveLength(2);
  });

  it('runs for an unchanged pair when the command is new', async () => {
    const { run, commands } = aRunner();
    expect(await deploy(0)).toMatchObject({ reload: 'not-asked' });
    expect(await deploy(0, ['reload-it'], run)).toMatchObject({ reload: 'done' });
    expect(commands).toHaveLength(1);
  });

  it('says so when its program is missing', async () => {
    await expect(deploy(0, ['/nowhere/reload-it'])).rejects.toMatchObject({
      code: 'reload-failed',
      disposition: 'give-up',
      message: expect.stringContaining('/nowhere/reload-it could not be started'),
    });
  });

  it.each([
    `-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----`,
    `MIIsecret\n-----END EC PRIVATE KEY-----`,
    `-----BEGIN RSA PRIVATE KEY-----\nMIIsecret`,
  ])('does not repeat a private key that the program printed', async (output) => {
    const { run } = aRunner({ ended: 'failed', status: 1, output: `before ${output}` });
    const failure = await deploy(0, ['reload-it'], run).catch((error: unknown) => String(error));
    expect(failure).toContain('[private key]');
    expect(failure).not.toContain('MIIsecret');
  });
});

describe('what it refuses', () => {
  it.each(['../etc', 'a/b', 'a\\b', '..', '.', '', 'a..b', '.hidden', 'a\0b'])(
    'refuses the name %j',
    async (name) => {
      const target = createFileTarget({ deployDirectory: root });
      const deployment = target.deploy({ type: 'file' }, { ...material(0), name }, signal);
      await expect(deployment).rejects.toMatchObject({ code: 'unsafe-name' });
      expect(await readdir(root)).toEqual([]);
    },
  );

  it.each(['relative', '/etc/../root', '/a\0b'])('refuses the directory %j', (directory) => {
    const describeIt = () => createFileTarget({}).describe({ type: 'file', directory }, 'example.com');
    expect(describeIt).toThrow(expect.objectContaining({ code: 'unsafe-directory' }));
  });

  it('needs a directory from the target or the configuration', () => {
    const describeIt = () => createFileTarget({}).describe({ type: 'file' }, 'example.com');
    expect(describeIt).toThrow(expect.objectContaining({ code: 'deploy-directory-missing' }));
  });

  it('names a directory the same with and without a slash at its end', () => {
    const target = createFileTarget({});
    const identities = ['/etc/ssl/x', '/etc/ssl/x/', '/etc//ssl/x'].map((directory) =>
      target.describe({ type: 'file', directory }, 'example.com'),
    );
    expect(new Set(identities)).toEqual(new Set(['file:/etc/ssl/x']));
  });

  it('says where a file stands in the way of the directory', async () => {
    await writeFile(join(root, 'example.com'), 'a file');
    await expect(deploy(0)).rejects.toMatchObject({
      code: 'deploy-files-failed',
      message: expect.stringContaining(`writing to ${join(root, 'example.com')} failed`),
    });
  });
});

describe('an operator who lists the programs a reload may start', () => {
  const started: string[] = [];
  const run: RunProgram = async ({ command }) => {
    started.push(command.join(' '));
    return { ended: 'ok' };
  };
  const deployWith = (program: string) =>
    createFileTarget({ deployDirectory: root, reloadPrograms: ['nginx'], run }).deploy(
      { type: 'file', reloadCommand: [program, '-s', 'reload'] },
      material(0),
      signal,
    );

  it('keeps the inventory from starting any other, before a file is written', async () => {
    await expect(deployWith('/bin/sh')).rejects.toMatchObject({
      code: 'reload-not-allowed',
      disposition: 'give-up',
      message: expect.stringContaining('RELOAD_PROGRAMS'),
    });
    expect(started).toEqual([]);
    await deployWith('nginx');
    expect(started).toEqual(['nginx -s reload']);
  });
});
