import * as z from 'zod';
import type { AuditEvent, AuditHead } from '../../audit/event.ts';
import type { AuditLog } from '../../audit/log.ts';
import { Failure } from '../../runtime/errors.ts';
import { lockEnd, parseForeign } from './locked-records.ts';
import type { FinishPorts } from './ports.ts';
import { readBytes, sha256 } from './work-objects.ts';

type SealPorts = Pick<FinishPorts, 'audit' | 'buckets' | 'clock' | 'lockDays'>;

interface Seal {
  readonly chain: string;
  /** Tells the seals of one chain apart: the run's, and on which occasion. */
  readonly name: string;
}

const sealedUpTo = z.object({ seq: z.number().int().positive(), hash: z.string() });
/** Events of one object: 32 MB if each were as long as one may be. */
const mostEvents = 2_000;

/**
 * Copies the events of a chain that no earlier seal holds into objects of their own, as NDJSON, where they cannot
 * be deleted for `lockDays`. Two seals may overlap where their workers met; none leaves a gap.
 * @throws Failure `audit-seal-exchanged`
 */
export async function sealAudit(ports: SealPorts, seal: Seal): Promise<void> {
  const { audit, buckets } = ports;
  const headKey = `audit/${seal.chain}/sealed.json`;
  const head = await buckets.records.head(headKey);
  const told = head && (await readBytes(buckets.records, headKey, head.versionId));
  const before = told ? await believed(ports, seal, told) : 0;
  let last: AuditHead | undefined;
  for await (const events of inBatches(audit.read(seal.chain, before))) {
    await keepSeal(ports, seal, events);
    last = events.at(-1);
  }
  if (!last) return;
  const { seq, hash } = last;
  const upload = { key: headKey, body: Buffer.from(JSON.stringify({ seq, hash })) };
  // Where another was first, its seal begins where this one did: nothing is missing.
  await (head ? buckets.records.replace(upload, head.etag) : buckets.records.create(upload));
}

/**
 * How far the chain is sealed by what `sealed.json` says. Where the chain has no such event it is not of our making,
 * and would leave a gap or end all sealing: that is put on record, and all is sealed once more, since people are to
 * hear of the run. Whoever writes in the bucket alone does not know the hash of what is not sealed yet.
 */
async function believed({ audit, clock }: SealPorts, { chain, name }: Seal, told: Buffer): Promise<number> {
  const { data } = sealedUpTo.safeParse(parseForeign(told));
  if (data)
    for await (const { seq, hash } of audit.read(chain, data.seq - 1)) {
      if (seq === data.seq && hash === data.hash) return seq;
      break;
    }
  const facts = { told: data?.seq ?? null };
  const kind = 'audit-seal-exchanged';
  await audit.append(chain, { id: `${name}/${kind}`, kind, at: clock.now(), facts });
  return 0;
}

async function* inBatches(events: ReturnType<AuditLog['read']>): AsyncGenerator<readonly AuditEvent[]> {
  let batch: AuditEvent[] = [];
  for await (const event of events) {
    batch.push(event);
    if (batch.length < mostEvents) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Named by its content: whoever seals the same once more finds it there. */
async function keepSeal(ports: SealPorts, { chain, name }: Seal, events: readonly AuditEvent[]) {
  const { records } = ports.buckets;
  const body = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const first = String(events[0]?.seq ?? 0).padStart(12, '0');
  const key = `audit/${chain}/${first}-${name}-${sha256(body).slice(0, 16)}.ndjson`;
  const upload = { key, body, contentType: 'application/x-ndjson', lockedUntil: lockEnd(ports) };
  if (await records.create(upload)) return;
  if (!(await readBytes(records, key))?.equals(body)) throw exchanged(key);
}

const exchanged = (key: string) =>
  new Failure({
    code: 'audit-seal-exchanged',
    disposition: 'give-up',
    message: `the object ${key} is not the seal of its events; find out who writes in the bucket, then resume the run`,
  });
