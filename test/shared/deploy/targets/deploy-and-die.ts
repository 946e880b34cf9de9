import { readFile } from 'node:fs/promises';
import { createFileTarget } from '../../../../shared/deploy/targets/file.ts';
import { stoppingDisk } from './stopping-disk.ts';

// Run as its own process: deploys the material in the first file to the directory, and kills itself without a
// word before the given change to the disk.
const [materialFile = '', directory = '', stopAt = ''] = process.argv.slice(2);
const { disk } = stoppingDisk(Number(stopAt), () => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable: SIGKILL is not delivered later');
});
const material = JSON.parse(await readFile(materialFile, 'utf8'));
await createFileTarget({ disk }).deploy({ type: 'file', directory }, material, new AbortController().signal);
