import { readFileSync } from 'node:fs';

/** The middle value, or the mean of the middle two; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Linux counts in hundredths of a second here, whatever its own timer does (proc(5)). */
const tickMillis = 10;

/** Fields of /proc/<pid>/stat, counted from 0 behind the program's name in parentheses. */
const fields = { user: 11, system: 12, childrenUser: 13, childrenSystem: 14 } as const;

function readStat(pid: number | 'self'): ((field: keyof typeof fields) => number) | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const values = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (field) => Number(values[fields[field]]) * tickMillis;
  } catch {
    return undefined;
  }
}

/** User and system time of a running process; undefined where there is no /proc, or no such process. */
export function processCpuMillis(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat && stat('user') + stat('system');
}

/** User and system time of every child of this process that has ended, and of theirs. */
export function childrenCpuMillis(): number | undefined {
  const stat = readStat('self');
  return stat && stat('childrenUser') + stat('childrenSystem');
}

/** What every processor of this machine has spent on anything but waiting; undefined where there is no /proc. */
export function machineCpuMillis(): number | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
    const [user = 0, nice = 0, system = 0, _idle, _ioWait, irq = 0, softIrq = 0] = line
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softIrq) * tickMillis;
  } catch {
    return undefined;
  }
}
