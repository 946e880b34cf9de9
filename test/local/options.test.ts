import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataDirectory } from '../../local/data-directory.ts';
import { parseOptions } from '../../local/options.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'certfleet-options-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the options', () => {
  it('have defaults that run the examples', () => {
    expect(parseOptions([])).toMatchObject({
      domains: expect.stringMatching(/examples\/domains\.json$/),
      once: false,
      json: false,
      directoryUrl: undefined,
      httpPort: undefined,
      pipeline: expect.stringMatching(/examples\/pipelines\/orders\.json$/),
      etl: true,
      postgres: undefined,
    });
  });

  it('choose the pipeline, or none', () => {
    expect(parseOptions(['--pipeline', 'mine.json'])).toMatchObject({ pipeline: 'mine.json', etl: true });
    expect(parseOptions(['--no-etl'])).toMatchObject({ etl: false });
  });

  it('list every problem at once', () => {
    const wrong = [
      '--directory',
      'http://ca',
      '--http-port',
      'x',
      '--dns-port',
      '65536',
      '--ca-roots',
      '/none',
    ];
    expect(() => parseOptions(wrong)).toThrow(/--directory: .*\n.*ENOENT.*\n--http-port: .*\n--dns-port: /);
  });

  it('take roots only for an outside CA, and only where they are PEM', () => {
    const roots = join(directory, 'roots.pem');
    writeFileSync(roots, 'nothing');
    expect(() => parseOptions(['--ca-roots', roots, '--directory', 'https://ca/dir'])).toThrow(
      'holds no PEM certificate',
    );
    writeFileSync(roots, '-----BEGIN CERTIFICATE-----');
    expect(() => parseOptions(['--ca-roots', roots])).toThrow('--ca-roots goes with --directory');
    expect(parseOptions(['--ca-roots', roots, '--directory', 'https://ca/dir'])).toMatchObject({
      caRoots: '-----BEGIN CERTIFICATE-----',
      directoryUrl: 'https://ca/dir',
    });
  });
});

describe('a data directory', () => {
  it('is taken over from a process that is gone, and from no other', () => {
    const path = join(directory, 'data');
    openDataDirectory(path);
    // This process's own lock counts as left behind: no second stack runs in it.
    openDataDirectory(path).release();
    writeFileSync(join(path, 'lock'), String(process.ppid));
    expect(() => openDataDirectory(path)).toThrow(`is used by process ${process.ppid}`);
    writeFileSync(join(path, 'lock'), '999999999');
    openDataDirectory(path).release();
  });

  it('that cannot be made names the path and the remedy', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(() => openDataDirectory(join(file, 'below'))).toThrow(
      /--data-dir .* cannot be used .*name a directory/,
    );
  });
});
