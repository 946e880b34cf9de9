import type { CertificateStore } from '../certificates/store.ts';
import type { Clock } from '../runtime/clock.ts';
import { mapBounded } from '../runtime/concurrency.ts';
import { Failure } from '../runtime/errors.ts';
import { compareInventory } from './changes.ts';
import { parseInventory } from './inventory-file.ts';
import { formatInventoryProblems } from './problems.ts';

export interface CollectResult {
  readonly total: number;
  readonly appeared: readonly string[];
  readonly changed: readonly { readonly name: string; readonly fields: readonly string[] }[];
  readonly vanished: readonly string[];
}

// Far below DynamoDB's own limits, enough to hide its latency.
const writesAtOnce = 25;

/**
 * Brings the fleet's records in line with an inventory's text: new names are tracked, changed policies
 * replaced, vanished names retired (their last certificate stays on record). An inventory with any problem
 * changes nothing.
 * @throws Failure `inventory-invalid` with every problem in its message
 */
export async function collectInventory(
  inventory: { readonly text: string; readonly source: string },
  { certificates, clock }: { certificates: CertificateStore; clock: Clock },
): Promise<CollectResult> {
  const verdict = parseInventory(inventory.text, { source: inventory.source });
  if (!verdict.ok) {
    throw new Failure({
      code: 'inventory-invalid',
      disposition: 'give-up',
      message: formatInventoryProblems(verdict.problems, inventory.source),
    });
  }
  const tracked = await Array.fromAsync(certificates.list());
  const { appeared, changed, vanished } = compareInventory(tracked, verdict.certificates);
  const now = clock.now();
  await mapBounded(appeared, writesAtOnce, async ({ name, policy }) => {
    // A name retired before is on record already; it comes back with the policy of today.
    const added = await certificates.track({ name, policy, now });
    if (!added) await certificates.changePolicy({ name, policy, now });
  });
  await mapBounded(changed, writesAtOnce, ({ entry: { name, policy } }) =>
    certificates.changePolicy({ name, policy, now }),
  );
  await mapBounded(vanished, writesAtOnce, ({ name }) => certificates.retire(name));
  return {
    total: verdict.certificates.length,
    appeared: appeared.map(({ name }) => name),
    changed: changed.map(({ entry, fields }) => ({ name: entry.name, fields })),
    vanished: vanished.map(({ name }) => name),
  };
}
