import { createHash } from 'node:crypto';
import { isAbsolute, join, normalize } from 'node:path';
import { type FileTarget, storageName } from '../../certificates/certificate.ts';
import { Failure } from '../../runtime/errors.ts';
import { type CertificateMaterial, checkPair } from '../material.ts';
import type { DeployResult, DeployTargetAdapter } from '../target.ts';
import { type Disk, nodeDisk, translateDiskError } from './disk.ts';
import { refuseProgram, reloadServer } from './reload.ts';
import { type RunProgram, runProgram } from './run-program.ts';
import {
  adoptForeignFiles,
  type FileSet,
  findCurrentVersion,
  linkNames,
  pruneVersions,
  publishVersion,
  readMark,
  type VersionedDirectory,
  versionHolds,
  writeMark,
} from './versions.ts';

export interface FileTargetOptions {
  /** Where targets without a directory of their own go; absent: such targets are refused. */
  readonly deployDirectory?: string | undefined;
  /** Programs a reload command may start, as its first word must name them; absent: any. */
  readonly reloadPrograms?: readonly string[] | undefined;
  readonly disk?: Disk | undefined;
  readonly run?: RunProgram | undefined;
}

/**
 * Writes fullchain.pem, privkey.pem (0600), chain.pem and cert.pem into one directory, switches them
 * together, and runs the reload command. The last two versions stay. A version whose reload was not seen to
 * succeed is reloaded again by the next call, so a crash between the two loses nothing. Failures:
 * `reload-not-allowed`, `unsafe-name`, `unsafe-directory`, `deploy-directory-missing`, `deploy-files-failed`, `reload-failed`, and
 * those of `checkPair`.
 */
export function createFileTarget(options: FileTargetOptions): DeployTargetAdapter<FileTarget> {
  const { disk = nodeDisk, run = runProgram } = options;
  const directoryOf = (target: FileTarget, certificateName: string): string =>
    target.directory === undefined
      ? defaultDirectory(options.deployDirectory, certificateName)
      : safeDirectory(target.directory, certificateName);
  return {
    describe: (target, certificateName) => `file:${directoryOf(target, certificateName)}`,
    deploy: async (target, material, signal) => {
      checkPair(material);
      refuseProgram(target, material.name, options.reloadPrograms);
      const place = { directory: directoryOf(target, material.name), disk };
      const confirmed = digest(JSON.stringify(target.reloadCommand ?? []));
      const writing = translateDiskError({ certificateName: material.name, directory: place.directory });
      signal.throwIfAborted();
      const files = await writeFiles(place, material).catch(writing);
      const identity = `file:${place.directory}`;
      if (files.change === 'none' && (await readMark(place, files.version).catch(writing)) === confirmed) {
        return { result: 'unchanged', target: identity };
      }
      const reload = await reloadServer({ target, certificateName: material.name, run, signal });
      await writeMark(place, files.version, confirmed).catch(writing);
      if (files.change === 'switched') await pruneVersions(place, files.previous).catch(writing);
      return { result: 'deployed', target: identity, reload } satisfies DeployResult;
    },
  };
}

type WrittenFiles =
  | { readonly change: 'none'; readonly version: string }
  | { readonly change: 'switched'; readonly version: string; readonly previous: string | undefined };

async function writeFiles(place: VersionedDirectory, material: CertificateMaterial): Promise<WrittenFiles> {
  const files: FileSet = new Map([
    ['fullchain.pem', material.fullchainPem],
    ['privkey.pem', material.privateKeyPem],
    ['chain.pem', material.chainPem],
    ['cert.pem', material.leafPem],
  ]);
  await adoptForeignFiles(place);
  const previous = await findCurrentVersion(place);
  if (previous !== undefined && (await versionHolds(place, previous, files))) {
    await linkNames(place);
    return { change: 'none', version: previous };
  }
  const label = digest(material.fullchainPem).slice(0, 12);
  const version = await publishVersion(place, { files, label });
  await linkNames(place);
  return { change: 'switched', version, previous };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function defaultDirectory(deployDirectory: string | undefined, certificateName: string): string {
  if (deployDirectory === undefined) {
    throw new Failure({
      code: 'deploy-directory-missing',
      disposition: 'give-up',
      message: `certificate ${certificateName}: its file target names no directory; add one, or set DEPLOY_DIRECTORY`,
    });
  }
  const segment = storageName(certificateName);
  if (!/^\w[\w.-]*$/.test(segment) || segment.includes('..')) {
    throw new Failure({
      code: 'unsafe-name',
      disposition: 'give-up',
      message: `certificate ${JSON.stringify(certificateName)}: the name cannot be a directory; give it letters, digits, hyphens and single dots`,
    });
  }
  return join(deployDirectory, segment);
}

function safeDirectory(directory: string, certificateName: string): string {
  const segments = directory.split('/');
  if (isAbsolute(directory) && !segments.includes('..') && !directory.includes('\0')) {
    return normalize(directory).replace(/(?<=.)\/$/, '');
  }
  throw new Failure({
    code: 'unsafe-directory',
    disposition: 'give-up',
    message: `certificate ${certificateName}: the directory ${JSON.stringify(directory)} is not an absolute path without ".."; correct it in the inventory`,
  });
}
