/** The run that scheduled work belongs to: the day in UTC, so that the daily report tells of a whole one. */
export const runIdOf = (instant: Date): string => instant.toISOString().slice(0, 10);

/** The day before, and when it began. */
export function previousRun(now: Date): { runId: string; startedAt: Date } {
  const today = Date.parse(`${runIdOf(now)}T00:00:00Z`);
  const startedAt = new Date(today - 86_400_000);
  return { runId: runIdOf(startedAt), startedAt };
}
