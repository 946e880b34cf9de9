import type { CertificatePolicy, TrackedCertificate } from '../certificates/certificate.ts';
import type { InventoryEntry } from './inventory-file.ts';

export interface ChangedCertificate {
  readonly tracked: TrackedCertificate;
  readonly entry: InventoryEntry;
  /** Never empty; in the order of the policy's own fields. */
  readonly fields: readonly (keyof CertificatePolicy)[];
}

/** The inventory against what is tracked; every certificate of either side is in exactly one list. */
export interface InventoryChanges {
  /** Unknown so far, or retired before and asked for again. */
  readonly appeared: readonly InventoryEntry[];
  readonly changed: readonly ChangedCertificate[];
  /** Tracked, and no longer asked for. What was retired already is not named again. */
  readonly vanished: readonly TrackedCertificate[];
  readonly unchanged: readonly TrackedCertificate[];
}

/** Compares by name; the order of names after the subject, and of endpoints, does not matter. */
export function compareInventory(
  tracked: readonly TrackedCertificate[],
  entries: readonly InventoryEntry[],
): InventoryChanges {
  const active = new Map(tracked.filter(({ state }) => state === 'tracked').map((one) => [one.name, one]));
  const wanted = new Set(entries.map(({ name }) => name));
  const known = entries.flatMap((entry) => {
    const before = active.get(entry.name);
    return before ? [{ entry, tracked: before, fields: changedFields(before.policy, entry.policy) }] : [];
  });
  return {
    appeared: entries.filter(({ name }) => !active.has(name)),
    changed: known.filter(({ fields }) => fields.length > 0),
    vanished: [...active.values()].filter(({ name }) => !wanted.has(name)),
    unchanged: known.filter(({ fields }) => fields.length === 0).map((one) => one.tracked),
  };
}

/** Each field of a policy in a form in which equal meaning is equal text. */
const comparable: Readonly<Record<keyof CertificatePolicy, (policy: CertificatePolicy) => unknown>> = {
  domains: ({ domains: [subject, ...rest] }) => [subject, rest.toSorted()],
  challenge: ({ challenge }) => challenge,
  dnsPlugin: ({ dnsPlugin }) => dnsPlugin ?? null,
  keyType: ({ keyType }) => keyType,
  renewDaysBefore: ({ renewDaysBefore }) => renewDaysBefore ?? null,
  ca: ({ ca }) => ca ?? null,
  profile: ({ profile }) => profile ?? null,
  preferredChain: ({ preferredChain }) => preferredChain ?? null,
  splitFailingNames: ({ splitFailingNames }) => splitFailingNames ?? false,
  targets: ({ targets }) =>
    targets.map(({ type, directory, reloadCommand }) => [type, directory ?? null, reloadCommand ?? null]),
  endpoints: ({ endpoints }) => endpoints.toSorted(),
};

const policyFields = Object.keys(comparable) as (keyof CertificatePolicy)[];

const changedFields = (before: CertificatePolicy, after: CertificatePolicy) =>
  policyFields.filter((field) => {
    const form = comparable[field];
    return JSON.stringify(form(before)) !== JSON.stringify(form(after));
  });
