import type { InventoryProblem } from './problems.ts';

/** What tells one certificate of the inventory from another. */
export interface CertificateIdentity {
  readonly place: string;
  readonly name: string;
  /** Whether the inventory says the name, instead of leaving it to the domain. */
  readonly named: boolean;
  readonly domains: readonly string[];
}

/** Certificates that cannot stand beside each other: the same set of names twice, or one name for two. */
export function findDuplicates(certificates: readonly CertificateIdentity[]): readonly InventoryProblem[] {
  const placesBySet = new Map<string, string>();
  const placesByName = new Map<string, string>();
  return certificates.flatMap(({ place, name, named, domains }) => {
    const set = [...new Set(domains)].sort().join(' ');
    const sameSet = placesBySet.get(set);
    const sameName = placesByName.get(name);
    if (sameSet === undefined) placesBySet.set(set, place);
    if (sameName === undefined) placesByName.set(name, place);
    if (sameSet !== undefined) {
      return [{ path: place, message: `asks for exactly the names of ${sameSet}; keep one of the two` }];
    }
    if (sameName === undefined) return [];
    return [
      named
        ? { path: `${place}.name`, message: `"${name}" is already the name of ${sameName}` }
        : {
            path: `${place}.domain`,
            message: `"${name}" is already the name of ${sameName}; add a "name" to tell them apart`,
          },
    ];
  });
}
