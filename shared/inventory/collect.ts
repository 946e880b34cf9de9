import type { CertificateStore } from '../certificates/store.ts';
import type { Clock } from '../runtime/clock.ts';
import { mapBounded } from '../runtime/concurrency.ts';
import { Failure } from '../runtime/errors.ts';
import { compareInventory } from './changes.ts';
import { parseInventory } from './inventory-file.ts';
import { formatInventoryProblems, quote } from './problems.ts';

export interface CollectResult {
  readonly total: number;
  readonly appeared: readonly string[];
  readonly changed: readonly { readonly name: string; readonly fields: readonly string[] }[];
  readonly vanished: readonly string[];
}

// Far below DynamoDB's own limits, enough to hide its latency.
const writesAtOnce = 25;
/** Up to here an inventory may be emptied by hand without anybody being asked twice. */
const smallFleet = 10;

export interface Collection {
  readonly text: string;
  /** What messages call the inventory. */
  readonly source: string;
  /** `confirmed`: a person has said that most of the fleet is to be retired. */
  readonly retirements?: 'guarded' | 'confirmed' | undefined;
}

export interface CollectPorts {
  readonly certificates: CertificateStore;
  readonly clock: Clock;
  /** Why the CA of this id or directory URL cannot be asked. */
  readonly findCaProblem?: ((ca: string) => string | undefined) | undefined;
}

/**
 * Brings the fleet's records in line with an inventory's text: new names are tracked, changed policies
 * replaced, vanished names retired (their last certificate stays on record). An inventory with any problem
 * changes nothing. One without most of a fleet is more likely cut off than meant: nothing is retired then
 * until it is confirmed, while additions and changes are applied.
 * @throws Failure `inventory-invalid` with every problem in its message, `retirements-unconfirmed`
 */
export async function collectInventory(
  inventory: Collection,
  { certificates, clock, findCaProblem }: CollectPorts,
): Promise<CollectResult> {
  const verdict = parseInventory(inventory.text, { source: inventory.source, findCaProblem });
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
  const fleetSize = tracked.filter(({ state }) => state === 'tracked').length;
  if (inventory.retirements !== 'confirmed' && isDoubtful({ fleetSize, vanished: vanished.length })) {
    throw retirementsUnconfirmed(inventory.source, { fleetSize, vanished: vanished.length });
  }
  await mapBounded(vanished, writesAtOnce, ({ name }) => certificates.retire(name));
  return {
    total: verdict.certificates.length,
    appeared: appeared.map(({ name }) => name),
    changed: changed.map(({ entry, fields }) => ({ name: entry.name, fields })),
    vanished: vanished.map(({ name }) => name),
  };
}

interface Retirements {
  readonly fleetSize: number;
  readonly vanished: number;
}

const isDoubtful = ({ fleetSize, vanished }: Retirements): boolean =>
  fleetSize > smallFleet && vanished > fleetSize / 2;

const retirementsUnconfirmed = (source: string, { fleetSize, vanished }: Retirements): Failure =>
  new Failure({
    code: 'retirements-unconfirmed',
    disposition: 'give-up',
    message: `${quote(source)} leaves out ${vanished} of the ${fleetSize} certificates tracked so far; none was retired, additions and changes were applied. Restore the inventory, or, if this is meant, start collect-inventory with {"confirmRetirements": true}`,
  });
