import * as z from 'zod';
import type { RecordedConnection } from '../../audit/run-record.ts';
import type { CheckedCertificate } from '../gate/gate.ts';
import type { Run } from '../ledger/run.ts';
import { readSlice } from '../ledger/stored-item.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { digestOfManifest, type Manifest } from '../run/manifest.ts';
import { exchanged, readJson } from './work-objects.ts';

/** What a run knows before it reads anything. */
export interface KeptPlan {
  readonly manifest: Manifest;
  readonly certificates: readonly CheckedCertificate[];
  readonly connections: readonly RecordedConnection[];
}

const keptPlan = z.object({
  manifest: z.object({
    runId: z.string(),
    entries: z.array(z.object({ chunkId: z.string(), ordinal: z.number().int(), slice: readSlice })),
  }),
  certificates: z.array(
    z.object({
      subject: z.string(),
      fingerprint: z.string(),
      expiresAt: z.coerce.date(),
      revocation: z.enum(['good', 'not-checkable']),
    }),
  ),
  connections: z.array(
    z.object({
      host: z.string(),
      protocol: z.string(),
      cipher: z.string(),
      verified: z.boolean(),
      fingerprint: z.string().optional(),
      expiresAt: z.string().optional(),
    }),
  ),
});

/** @throws Failure `work-object-missing`, `work-object-exchanged` where it lists another manifest than was fixed */
export async function readPlan(work: ObjectStore, run: Run): Promise<KeptPlan> {
  const { manifestKey = '' } = run;
  const plan = keptPlan.parse(await readJson(work, manifestKey));
  if (digestOfManifest(plan.manifest) !== run.manifestDigest) throw exchanged(manifestKey);
  return plan;
}
