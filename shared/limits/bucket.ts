import { decideSpend, intervalMillisOf, type Limit, type SpendDecision, usableLimit } from './gcra.ts';

/** One token spent by a holder who may still learn that the CA never saw the request. */
export interface Spend {
  readonly holder: string;
  readonly at: Date;
}

/**
 * One bucket as it is kept. Three ways of counting a token, because CAs count at different moments: what is
 * spent for good is in `tat`; what was spent lately is listed beside it, so that taking one back leaves exactly
 * the bucket that would have been without it; what the CA will count at some later moment is held, which keeps
 * the token from refilling in between.
 */
export interface Bucket {
  readonly tat?: Date | undefined;
  /** Not part of `tat`; oldest first. */
  readonly spends: readonly Spend[];
  /** Until when each holder's token is held. */
  readonly holds: Readonly<Record<string, Date>>;
  /** The TAT once everything that waits for this bucket has been spent: a plan's note, which binds no spend. */
  readonly plannedUntil?: Date | undefined;
  /** As plannedUntil, of those alone whose time has come and who found the token gone. */
  readonly displacedUntil?: Date | undefined;
  /** The latest place that a plan has given to anybody who needs this bucket, whatever it waits for. */
  readonly lastPlaceAt?: Date | undefined;
}

/** A bucket's published limit (the margin of `usableLimit` is applied here) and the time. */
export interface Metering {
  readonly limit: Limit;
  readonly now: Date;
}

export interface Taking {
  readonly bucket: Bucket;
  readonly decision: SpendDecision;
}

export const fullBucket: Bucket = { spends: [], holds: {} };

/** After this share of the period a spend is final; it bounds how many are listed. */
const refundableShare = 1 / 18;

const later = (a: Date | undefined, b: Date): Date => (a && a > b ? a : b);
const after = (instant: Date, millis: number): Date => new Date(instant.getTime() + millis);

/** The TAT with everything counted: spends in the order of their instants, then held tokens as if spent now. */
export function countedTat(bucket: Bucket, { limit, now }: Metering): Date {
  const settled = settle(bucket, { limit, now });
  const spent = spentTat(settled, limit);
  const held = Object.keys(settled.holds).length;
  return held === 0 ? spent : after(later(spent, now), held * intervalMillisOf(limit));
}

const spentTat = ({ tat, spends }: Bucket, limit: Limit): Date =>
  spends.reduce((sum, { at }) => after(later(sum, at), intervalMillisOf(limit)), tat ?? new Date(0));

/** Whether one more token could be taken now. */
export const inspect = (bucket: Bucket, metering: Metering): SpendDecision =>
  decideSpend(usableLimit(metering.limit), countedTat(bucket, metering), 1, metering.now);

/**
 * Spends one token for `holder`, every time it is asked: a request whose outcome nobody knows has been counted
 * by the CA, and so will the one that repeats it.
 */
export function spend(bucket: Bucket, { holder, ...metering }: Metering & { holder: string }): Taking {
  const decision = inspect(bucket, metering);
  if (!decision.allowed) return { bucket, decision };
  const settled = settle(bucket, metering);
  const spends = [...settled.spends, { holder, at: metering.now }].sort(
    (a, b) => a.at.getTime() - b.at.getTime(),
  );
  return { bucket: { ...settled, spends }, decision };
}

/** Takes back the holder's latest spend, when it is recent enough to be listed. */
export function unspend(bucket: Bucket, holder: string): Bucket {
  const index = bucket.spends.findLastIndex((each) => each.holder === holder);
  return index < 0 ? bucket : { ...bucket, spends: bucket.spends.toSpliced(index, 1) };
}

/** Holds one token until `until`; a holder who has one already keeps it, for longer. */
export function hold(
  bucket: Bucket,
  { holder, until, ...metering }: Metering & { holder: string; until: Date },
): Taking {
  const decision = inspect(bucket, metering);
  const settled = settle(bucket, metering);
  const held = settled.holds[holder];
  if (held) {
    // Never the same instant, by which an earlier call of the same holder knows its own hold.
    const holds = { ...settled.holds, [holder]: later(after(held, 1), until) };
    return { bucket: { ...settled, holds }, decision: { ...decision, allowed: true, retryAt: metering.now } };
  }
  if (!decision.allowed) return { bucket, decision };
  return { bucket: { ...settled, holds: { ...settled.holds, [holder]: until } }, decision };
}

/** The CA has counted what `holder` held: spent now. Without a hold it is charged all the same. */
export const commit = (bucket: Bucket, { holder, ...metering }: Metering & { holder: string }): Bucket =>
  charge(release(settle(bucket, metering), holder), metering);

/** Nothing was counted: the hold ends. With `until`, only the hold that was taken so long. */
export function release(bucket: Bucket, holder: string, until?: Date): Bucket {
  const { [holder]: held, ...holds } = bucket.holds;
  if (!held || (until && until.getTime() !== held.getTime())) return bucket;
  return { ...bucket, holds };
}

/** Counts one token that was not asked for. A CA's bucket cannot be emptier than empty, and so neither can ours. */
export function charge(bucket: Bucket, { limit, now }: Metering): Bucket {
  const intervalMillis = intervalMillisOf(limit);
  const empty = after(now, limit.burst * intervalMillis);
  const charged = after(later(bucket.tat, now), intervalMillis);
  return { ...bucket, tat: charged > empty ? later(bucket.tat, empty) : charged };
}

/** The CA has refused: the next token is not there before `until`. What was spent is thereby final. */
export function holdOff(bucket: Bucket, { limit, until }: { limit: Limit; until: Date }): Bucket {
  const otherTokensMillis = (usableLimit(limit).burst - 1) * intervalMillisOf(limit);
  return { ...bucket, spends: [], tat: later(spentTat(bucket, limit), after(until, otherTokensMillis)) };
}

/**
 * Makes final what nobody can undo any more. A hold that ran out counts as spent at that instant: its holder may
 * have got what it was for and never have said so.
 */
export function settle(bucket: Bucket, { limit, now }: Metering): Bucket {
  const intervalMillis = intervalMillisOf(limit);
  const finalUntil = after(now, -limit.periodSeconds * 1000 * refundableShare);
  const isFinal = ({ at }: Spend) => at < finalUntil;
  const expired = Object.entries(bucket.holds).filter(([, until]) => until <= now);
  if (expired.length === 0 && !bucket.spends.some(isFinal)) return bucket;
  const instants = [
    ...bucket.spends.filter(isFinal).map(({ at }) => at),
    ...expired.map(([, until]) => until),
  ];
  instants.sort((a, b) => a.getTime() - b.getTime());
  return {
    ...bucket,
    tat: instants.reduce((tat: Date | undefined, at) => after(later(tat, at), intervalMillis), bucket.tat),
    spends: bucket.spends.filter((each) => !isFinal(each)),
    holds: Object.fromEntries(Object.entries(bucket.holds).filter(([, until]) => until > now)),
  };
}
