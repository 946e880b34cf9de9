/** What decides a renewal's turn. */
export interface Turn {
  readonly name: string;
  /** The registered domain of its subject: what a CA counts by, and what may not crowd out the others. */
  readonly domain: string;
  /** Its open renewal keeps failing: whatever may still succeed goes before it. */
  readonly failing: boolean;
  /** When it fell due. */
  readonly dueAt: Date;
  /** When the certificate in service expires; absent where there is none. */
  readonly expiresAt?: Date | undefined;
}

/**
 * The order in which renewals get what a rate limit leaves: those that keep failing after all the others, and
 * within either class the registered domains in turn, one renewal each, so that neither dead names nor one huge
 * domain starve the rest. Within a domain the oldest due goes first, among equals the nearest to expiry. The
 * order depends on the renewals alone, not on how they were listed.
 */
export function orderFairly<Item extends Turn>(items: readonly Item[]): Item[] {
  const live = items.filter(({ failing }) => !failing);
  const failing = items.filter((item) => item.failing);
  return [...takeTurns(live), ...takeTurns(failing)];
}

function takeTurns<Item extends Turn>(items: readonly Item[]): Item[] {
  const roundOfDomain = new Map<string, number>();
  const rounds: Item[][] = [];
  for (const item of items.toSorted(compareUrgency)) {
    const round = roundOfDomain.get(item.domain) ?? 0;
    roundOfDomain.set(item.domain, round + 1);
    const members = rounds[round] ?? [];
    members.push(item);
    rounds[round] = members;
  }
  return rounds.flat();
}

const never = Number.POSITIVE_INFINITY;

function compareUrgency(one: Turn, other: Turn): number {
  const due = one.dueAt.getTime() - other.dueAt.getTime();
  if (due !== 0) return due;
  const [expiry, otherExpiry] = [one.expiresAt?.getTime() ?? never, other.expiresAt?.getTime() ?? never];
  if (expiry !== otherExpiry) return expiry < otherExpiry ? -1 : 1;
  return one.name < other.name ? -1 : Number(one.name > other.name);
}
