import type { Renewal } from '../renewal.ts';
import type { StepContext, StepOutcome } from '../step.ts';
import type { IssuePorts } from './issue-step.ts';
import { letGoOfOrder } from './recover.ts';

/**
 * Where a renewal goes whose names are all proven: on to finalize, or, after a rehearsal, to the CA it was
 * rehearsed for. The order of a rehearsal is left to expire.
 */
export async function leaveValidation(
  { renewal, signal }: StepContext,
  ports: IssuePorts,
  changes: Pick<Partial<Renewal>, 'challenges'> = {},
): Promise<StepOutcome> {
  if (!renewal.ca?.rehearsal) return { kind: 'done', changes, next: 'finalize-order' };
  const freed = await letGoOfOrder({ ...renewal, ...changes }, ports, { fate: 'left', signal });
  return { kind: 'done', changes: { ...freed, ca: undefined, rehearse: false }, next: 'choose-ca' };
}
