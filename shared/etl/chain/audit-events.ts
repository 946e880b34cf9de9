import type { AuditDraft, AuditFacts } from '../../audit/event.ts';
import type { Run } from '../ledger/run.ts';

export type RunAuditKind = 'committed' | 'failed' | 'held' | 'raw-erased' | 'record-signed';

/** What is put on record about a run: told twice, it is recorded once. `occasion` tells apart what may happen again. */
export const auditDraft = (
  { runId, scopeKey }: Run,
  kind: RunAuditKind,
  { at, facts, occasion }: { at: Date; facts: AuditFacts; occasion?: string },
): AuditDraft => ({
  id: [runId, kind, ...(occasion ? [occasion] : [])].join('/'),
  kind,
  at,
  facts: { runId, scope: scopeKey, ...facts },
});
