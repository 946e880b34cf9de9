import * as z from 'zod';
import type { AuditEvent } from '../../audit/event.ts';
import { secondsAfter } from '../../runtime/clock.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { FinishPorts } from './ports.ts';
import { readBytes, requireBytes } from './work-objects.ts';

const sealedUpTo = z.object({ seq: z.number().int().nonnegative() });

/**
 * Copies the events of a chain that no earlier seal holds into an object of their own, as NDJSON, where they cannot
 * be deleted for `lockDays`. Two seals may overlap where their workers met; none leaves a gap.
 */
export async function sealAudit(
  ports: Pick<FinishPorts, 'audit' | 'buckets' | 'clock' | 'lockDays'>,
  { chain, name }: { chain: string; name: string },
): Promise<void> {
  const { audit } = ports;
  const { records } = ports.buckets;
  const headKey = `audit/${chain}/sealed.json`;
  const head = await records.head(headKey);
  const sealed = head && (await readBytes(records, headKey, head.versionId));
  const before = sealed ? sealedUpTo.parse(JSON.parse(sealed.toString('utf8'))).seq : 0;
  const events: AuditEvent[] = [];
  for await (const event of audit.read(chain, before)) events.push(event);
  const last = events.at(-1);
  if (!last) return;
  const body = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const key = `audit/${chain}/${String(before + 1).padStart(12, '0')}-${name}.ndjson`;
  const created = await records.create({
    key,
    body,
    contentType: 'application/x-ndjson',
    lockedUntil: lockEnd(ports),
  });
  const seq = created ? last.seq : await lastSealed(records, key);
  const upload = { key: headKey, body: Buffer.from(JSON.stringify({ seq })) };
  // Where another was first, its seal begins where this one did: nothing is missing.
  await (head ? records.replace(upload, head.etag) : records.create(upload));
}

/** Until when nobody can delete what is kept now; undefined where the bucket has no lock. */
export const lockEnd = ({ clock, lockDays }: Pick<FinishPorts, 'clock' | 'lockDays'>): Date | undefined =>
  lockDays > 0 ? secondsAfter(clock.now(), lockDays * 86_400) : undefined;

/** What a worker that ended right after it had sealed, and before it said so, got as far as. */
async function lastSealed(records: ObjectStore, key: string): Promise<number> {
  const lines = (await requireBytes(records, key)).toString('utf8').trimEnd().split('\n');
  return sealedUpTo.parse(JSON.parse(lines.at(-1) ?? '')).seq;
}
