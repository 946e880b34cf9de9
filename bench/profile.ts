import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shown = 25;
const repository = join(import.meta.dirname, '..');

/**
 * Says where the time of a profile went: by file, by function, and by the function of shared/ on whose behalf it
 * was spent, which charges the engine, Node and packages to who called them.
 */
function describeProfile(path: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const tallies = { 'by file': nameFile, 'by function': nameFunction };
  const rankings = new Map<string, Map<string, number>>();
  const add = (ranking: string, name: string, micros: number) => {
    const shares = rankings.get(ranking) ?? new Map<string, number>();
    rankings.set(ranking, shares.set(name, (shares.get(name) ?? 0) + micros));
  };
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)') continue;
    const micros = timeDeltas[index] ?? 0;
    total += micros;
    for (const [ranking, name] of Object.entries(tallies)) add(ranking, name(frame), micros);
    let caller: number | undefined = id;
    while (caller !== undefined && !nameFile(frames.get(caller)).startsWith('shared/'))
      caller = parents.get(caller);
    const behalf = caller === undefined ? '(nobody in shared/)' : nameFunction(frames.get(caller));
    add('on behalf of', behalf, micros);
  }
  const lines = [...rankings].flatMap(([ranking, shares]) => [ranking, ...rank(shares, total)]);
  return [`${path}: ${(total / 1000).toFixed(0)} ms`, ...lines].join('\n');
}

const rank = (shares: ReadonlyMap<string, number>, total: number): string[] =>
  [...shares]
    .sort(([, left], [, right]) => right - left)
    .slice(0, shown)
    .map(([name, micros]) => `  ${((100 * micros) / total).toFixed(1).padStart(5)} %  ${name}`);

const nameFile = ({ url }: Pick<Frame, 'url'> = { url: '' }): string => {
  if (url.startsWith('file:')) return relative(repository, fileURLToPath(url));
  return url.startsWith('/') ? relative(repository, url) : url || '(engine)';
};

const nameFunction = (frame: Frame | undefined): string =>
  `${nameFile(frame)}:${(frame?.lineNumber ?? 0) + 1} ${frame?.functionName || '(anonymous)'}`;

const [directory] = process.argv.slice(2);
if (!directory) {
  process.stderr.write('Usage: node bench/profile.ts DIR, where DIR holds .cpuprofile files\n');
  process.exitCode = 2;
} else {
  for (const file of globSync('*.cpuprofile', { cwd: directory }))
    process.stdout.write(`${describeProfile(join(directory, file))}\n\n`);
}
