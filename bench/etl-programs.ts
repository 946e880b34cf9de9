import { spawnSync } from 'node:child_process';

export const isThere = (program: string) => spawnSync('which', [program]).status === 0;

/** Without it the engine's own threads may use a second core. */
export const pins = isThere('taskset');
