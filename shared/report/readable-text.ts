const shownLineCharacters = 300;

/** `820 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`. */
export function formatDuration(millis: number): string {
  if (millis < 1000) return `${millis} ms`;
  if (millis < 60_000) return `${(Math.floor(millis / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(millis / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `2027-02-01 03:00 UTC`. */
export const formatInstant = (instant: Date): string =>
  `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** `1 target`, `2 targets`. */
export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Text that neither breaks out of its line nor steers a terminal: reasons quote servers. */
export function oneLine(text: string, shownCharacters: number = shownLineCharacters): string {
  const plain = text.slice(0, 2 * shownCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return plain.length <= shownCharacters ? plain : `${plain.slice(0, shownCharacters - 1)}…`;
}

/** At most `shown` lines, and a last one that says how many were left out. */
export const capLines = (lines: readonly string[], shown: number): readonly string[] =>
  lines.length <= shown ? lines : [...lines.slice(0, shown), `and ${lines.length - shown} more`];
