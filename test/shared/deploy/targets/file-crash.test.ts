import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateMaterial, checkPair, createMaterial } from '../../../../shared/deploy/material.ts';
import type { Disk } from '../../../../shared/deploy/targets/disk.ts';
import { createFileTarget } from '../../../../shared/deploy/targets/file.ts';
import { createTestCa } from '../../../support/test-ca.ts';
import { stoppingDisk } from './stopping-disk.ts';

const signal = new AbortController().signal;
let root: string;
let before: CertificateMaterial;
let after: CertificateMaterial;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'certfleet-crash-'));
  const ca = await createTestCa();
  const material = async () =>
    createMaterial({ name: 'example.com', ...(await ca.issue({ domains: ['example.com'] })) });
  [before, after] = [await material(), await material()];
  await writeFile(join(root, 'after.json'), JSON.stringify(after));
});
afterAll(() => rm(root, { recursive: true }));

/** What the directory held before the deployment that dies. */
const beginnings: Record<string, (directory: string) => Promise<unknown>> = {
  'an empty directory': async () => undefined,
  'an earlier version': (directory) => deploy(directory, before, []),
  'another tool\u2019s plain files': async (directory) => {
    await mkdir(directory);
    await writeFile(join(directory, 'fullchain.pem'), before.fullchainPem);
    await writeFile(join(directory, 'privkey.pem'), before.privateKeyPem);
  },
};

/** Deploys with a reload that notes which leaf the server would load. */
function deploy(directory: string, material: CertificateMaterial, reloaded: string[], disk?: Disk) {
  const run = async () => {
    reloaded.push((await readPair(directory)).leafPem);
    return { ended: 'ok' } as const;
  };
  const target = { type: 'file', directory, reloadCommand: ['reload-it'] } as const;
  return createFileTarget({ disk, run }).deploy(target, material, signal);
}

/** Reads the two files one after the other, as a server does. */
async function readPair(directory: string) {
  const leafPem = new X509Certificate(await readFile(join(directory, 'fullchain.pem'))).toString();
  const privateKeyPem = await readFile(join(directory, 'privkey.pem'), 'utf8');
  return { name: 'example.com', leafPem, privateKeyPem };
}

async function expectWholePairOrNothing(directory: string, beginning: string): Promise<void> {
  const present = await readdir(directory).catch(() => []);
  const pair = await readPair(directory).catch((error: NodeJS.ErrnoException) => error.code);
  if (beginning === 'an empty directory' && pair === 'ENOENT') return;
  if (typeof pair !== 'object') throw new Error(`${pair}: cannot read the pair among ${present}`);
  checkPair(pair);
}

describe.each(Object.keys(beginnings))('a deployment over %s that dies', (beginning) => {
  const begin = async (name: string): Promise<string> => {
    const directory = join(root, `${beginning} ${name}`);
    await beginnings[beginning]?.(directory);
    return directory;
  };

  it('before any of its changes leaves a whole pair, and the next one finishes, reload included', async () => {
    const reloaded: string[] = [];
    const whole = stoppingDisk(Number.POSITIVE_INFINITY, neverStop);
    await deploy(await begin('whole'), after, [], whole.disk);
    expect(whole.changes()).toBeGreaterThan(10);
    for (let step = 0; step < whole.changes(); step += 1) {
      const directory = await begin(`step ${step}`);
      const { disk } = stoppingDisk(step, () => {
        throw new Error('died');
      });
      reloaded.length = 0;
      await expect(deploy(directory, after, reloaded, disk)).rejects.toThrow('died');
      await expectWholePairOrNothing(directory, beginning);
      await deploy(directory, after, reloaded);
      expect(await readFile(join(directory, 'privkey.pem'), 'utf8')).toBe(after.privateKeyPem);
      expect(reloaded, `reloads around step ${step}`).toContain(
        new X509Certificate(after.leafPem).toString(),
      );
      expect(await deploy(directory, after, reloaded)).toMatchObject({ result: 'unchanged' });
    }
  });

  it('by kill -9 leaves a whole pair', async () => {
    const directory = await begin('killed');
    const script = join(import.meta.dirname, 'deploy-and-die.ts');
    for (let step = 0, alive = false; !alive; step += 1) {
      const signalOf = await new Promise<string | null>((resolve, reject) =>
        execFile(
          process.execPath,
          [script, join(root, 'after.json'), directory, String(step)],
          { timeout: 20_000 },
          (error, _out, complaint) => {
            if (error && error.signal !== 'SIGKILL') reject(new Error(complaint));
            else resolve(error?.signal ?? null);
          },
        ),
      );
      alive = signalOf === null;
      await expectWholePairOrNothing(directory, beginning);
    }
    expect(await readFile(join(directory, 'privkey.pem'), 'utf8')).toBe(after.privateKeyPem);
  }, 60_000);
});

const neverStop = (): never => {
  throw new Error('never');
};

it('readers that resolve the directory once always get a whole pair while pairs change', async () => {
  const directory = join(root, 'busy');
  await deploy(directory, before, []);
  let reads = 0;
  let writing = true;
  const seen = new Set<string>();
  const readUntilDone = async () => {
    while (writing) {
      const version = dirname(await realpath(join(directory, 'fullchain.pem')));
      const pair = await readPair(version);
      checkPair(pair);
      seen.add(pair.leafPem);
      reads += 1;
    }
  };
  const readers = [readUntilDone(), readUntilDone()];
  for (let round = 0; round < 20; round += 1) {
    const readsBefore = reads;
    await deploy(directory, round % 2 === 0 ? after : before, []);
    while (reads < readsBefore + 2) await new Promise(setImmediate);
  }
  writing = false;
  await Promise.all(readers);
  expect(seen.size).toBe(2);
});
