import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly code: string;
  /** Paths from the root for our own modules, names for packages. */
  readonly imports: readonly string[];
}

const rooms = ['functions', 'shared', 'events', 'local', 'infra', 'test', 'bench'];

function readSources(): SourceFile[] {
  const paths = rooms.flatMap((room) => {
    try {
      const entries = readdirSync(join(root, room), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)));
    } catch {
      return [];
    }
  });
  return paths.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const found = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g)].map(
      ([, name]) => name ?? '',
    );
    const imports = found.map((name) => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name));
    return { path, code: stripComments(text), imports };
  });
}

/** Rules about code must not read the prose beside it. */
const stripComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

const sources = readSources();
const inRoom = (room: string) => sources.filter(({ path }) => path.startsWith(`${room}/`));
const offences = (files: readonly SourceFile[], isForbidden: (name: string, file: SourceFile) => boolean) =>
  files.flatMap((file) =>
    file.imports.filter((name) => isForbidden(name, file)).map((name) => `${file.path} imports ${name}`),
  );
const isFrom = (name: string, ...folders: string[]) =>
  folders.some((folder) => name.startsWith(`${folder}/`));

describe('the house', () => {
  it('is read at all', () => {
    expect(inRoom('shared').length).toBeGreaterThan(50);
    expect(
      sources.find(({ path }) => path === 'functions/certificates/renew-certificate.ts')?.imports,
    ).toContain('shared/renewal/work-handler.ts');
  });

  it('has functions that know shared and events alone, so that each can be deployed without the others', () => {
    expect(
      offences(inRoom('functions'), (name) => isFrom(name, 'functions', 'local', 'test', 'infra')),
    ).toEqual([]);
  });

  it('lets nobody but local and test import functions, since they are the outermost layer', () => {
    const product = [...inRoom('shared'), ...inRoom('events'), ...inRoom('infra')];
    expect(offences(product, (name) => isFrom(name, 'functions'))).toEqual([]);
  });

  it('keeps what serves one machine out of the product', () => {
    const product = [...inRoom('shared'), ...inRoom('events'), ...inRoom('functions')];
    expect(offences(product, (name) => isFrom(name, 'local', 'test', 'bench'))).toEqual([]);
    expect(offences(inRoom('local'), (name) => isFrom(name, 'test', 'bench'))).toEqual([]);
  });

  it('keeps events free of everything, since both ends of a queue read them', () => {
    expect(
      offences(inRoom('events'), (name) => isFrom(name, ...rooms.filter((room) => room !== 'events'))),
    ).toEqual([]);
  });

  it.each([
    ['runtime', []],
    ['acme', ['runtime']],
    ['limits', ['runtime']],
    ['audit', ['runtime']],
    ['etl', ['audit', 'certificates', 'report', 'runtime', 'verify']],
    ['certificates', ['runtime']],
    ['challenges', ['certificates', 'runtime']],
    ['deploy', ['certificates', 'runtime']],
    ['verify', ['certificates', 'runtime']],
    ['report', ['certificates', 'runtime']],
    ['inventory', ['certificates', 'runtime']],
    ['renewal', ['acme', 'certificates', 'challenges', 'deploy', 'limits', 'report', 'runtime', 'verify']],
  ])('lets shared/%s stand on %j alone, so that a room can be read without those above it', (room, below) => {
    const allowed = [room, ...below].map((each) => `shared/${each}`);
    expect(
      offences(inRoom(`shared/${room}`), (name) => isFrom(name, 'shared') && !isFrom(name, ...allowed)),
    ).toEqual([]);
  });

  it('has no cycles', () => {
    expect(findCycle(sources)).toBeUndefined();
  });

  it('has no barrels and no rooms for leftovers', () => {
    const leftovers = /(^|\/)(index|utils?|helpers?|common|types|misc)(\.[a-z]+)?(\/|$)/;
    expect(sources.map(({ path }) => path).filter((path) => leftovers.test(path))).toEqual([]);
  });
});

/** Files that carry a technology, and say so by their name or by standing in a folder of adapters. */
const isAdapter = (path: string) =>
  /\.(aws|dynamodb|kms|sqs|secrets-manager|s3|socket|resolver|https|postgresql|redshift|bigquery|snowflake)\.ts$/.test(
    path,
  ) ||
  path.startsWith('shared/runtime/') ||
  ['shared/inventory/sources/', 'shared/report/channels/'].some((folder) => path.startsWith(folder));

const domain = inRoom('shared').filter(({ path }) => !isAdapter(path));

describe('a domain file', () => {
  it('talks to AWS through its port alone', () => {
    // Only the type of a client that is handed through.
    const handsThrough = ['shared/report/channels.ts'];
    const files = domain.filter(({ path }) => !handsThrough.includes(path));
    expect(offences(files, (name) => name.startsWith('@aws-sdk/'))).toEqual([]);
  });

  it.each([
    ['the environment', /\bprocess\.env\b/],
    ['the wall clock', /\bDate\.now\(|\bnew Date\(\)/],
    ['chance', /\bMath\.random\(|\brandomBytes\(/],
    ['timers', /\bset(Timeout|Interval|Immediate)\(/],
  ])('is given %s instead of reaching for it', (_, pattern) => {
    const reaching = domain.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
    expect(reaching).toEqual([]);
  });
});

it('a handler fits a screen, because a function only parses, wires and answers', () => {
  const long = inRoom('functions').filter(
    ({ path }) => readFileSync(join(root, path), 'utf8').split('\n').length > 61,
  );
  expect(long.map(({ path }) => path)).toEqual([]);
});

it('no code turns certificate checks off', () => {
  const product = [...inRoom('shared'), ...inRoom('functions')];
  const careless = product
    .filter(({ code }) => /rejectUnauthorized:\s*false/.test(code))
    .map(({ path }) => path);
  // The probe must see what a server shows before it can judge it; it sends nothing.
  expect(careless).toEqual(['shared/verify/probe.ts']);
});

function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    const file = byPath.get(path);
    if (!file || finished.has(path)) return undefined;
    for (const next of file.imports) {
      const cycle = visit(next, [...trail, path]);
      if (cycle) return cycle;
    }
    finished.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}
