import type { QualityTally } from '../books/quality.ts';
import type { Cell, QuarantineReason } from '../record.ts';

/** What of a record's cells is counted. */
export interface CountedColumns {
  /** The contract's columns in the order of the cells. */
  readonly names: readonly string[];
  /** The timestamp that says how fresh records are; none is asked for when undefined. */
  readonly freshnessSlot: number | undefined;
}

/** Counts a batch's quality as the records come in, before anything is left out or changed. */
export interface QualityCounter {
  /** A record's cells, and what the contract holds against them. */
  count(cells: readonly Cell[], reasons: readonly QuarantineReason[] | undefined): void;
  read(): QualityTally;
}

export function createQualityCounter({ names, freshnessSlot }: CountedColumns): QualityCounter {
  const nulls = new Uint32Array(names.length);
  const violations = new Map<string, number>();
  let records = 0;
  let violating = 0;
  let newestMillis = Number.NEGATIVE_INFINITY;
  return {
    count(cells, reasons) {
      records++;
      for (let slot = 0; slot < nulls.length; slot++)
        if (cells[slot] === null) nulls[slot] = (nulls[slot] ?? 0) + 1;
      if (reasons) {
        violating++;
        for (const { code } of reasons) violations.set(code, (violations.get(code) ?? 0) + 1);
      } else if (freshnessSlot !== undefined) {
        const millis = Date.parse(String(cells[freshnessSlot]));
        if (millis > newestMillis) newestMillis = millis;
      }
    },
    read: () => ({
      records,
      nulls: Object.fromEntries(names.map((name, slot) => [name, nulls[slot] ?? 0])),
      violations: Object.fromEntries(violations),
      violating,
      ...(newestMillis > Number.NEGATIVE_INFINITY && { newestAt: new Date(newestMillis) }),
    }),
  };
}
