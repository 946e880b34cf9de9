import { secondsAfter } from '../../runtime/clock.ts';
import type { FinishPorts } from './ports.ts';

/** Until when nobody can delete what is kept now; undefined where the bucket has no lock. */
export const lockEnd = ({ clock, lockDays }: Pick<FinishPorts, 'clock' | 'lockDays'>): Date | undefined =>
  lockDays > 0 ? secondsAfter(clock.now(), lockDays * 86_400) : undefined;

/** Keeps JSON among the records, where nobody can delete it for `lockDays`; what was kept first stands. */
export async function keepLocked(
  ports: Pick<FinishPorts, 'buckets' | 'clock' | 'lockDays'>,
  key: string,
  value: object,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(value));
  const lockedUntil = lockEnd(ports);
  await ports.buckets.records.create({ key, body, contentType: 'application/json', lockedUntil });
}

/** JSON that somebody else may have put in its place; undefined for what is none. */
export function parseForeign(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
