/** Which messages of a batch stay in the queue. */
export type BatchVerdict = { readonly failed: 'none' | 'all' } | { readonly failed: ReadonlySet<string> };

/**
 * Reads a function's answer under ReportBatchItemFailures. No answer, an empty one and an empty or null list
 * mean that all succeeded; an identifier that is missing, empty or not of this batch means that all failed.
 */
export function readBatchResponse(payload: string, messageIds: readonly string[]): BatchVerdict {
  let response: unknown;
  try {
    response = JSON.parse(payload);
  } catch {
    return { failed: 'all' };
  }
  if (response === null || response === '') return { failed: 'none' };
  if (typeof response !== 'object' || Array.isArray(response)) return { failed: 'all' };
  const failures = 'batchItemFailures' in response ? response.batchItemFailures : undefined;
  if (failures === undefined || failures === null) return { failed: 'none' };
  if (!Array.isArray(failures)) return { failed: 'all' };
  const known = new Set(messageIds);
  const failed = new Set<string>();
  for (const failure of failures) {
    const identifier: unknown = failure?.itemIdentifier;
    if (typeof identifier !== 'string' || !known.has(identifier)) return { failed: 'all' };
    failed.add(identifier);
  }
  return failed.size === 0 ? { failed: 'none' } : { failed };
}
