import * as z from 'zod';

const instant = z.iso.datetime().transform((text) => new Date(text));
const period = z.strictObject({ from: instant, to: instant });
const pipeline = z.string().min(1).max(64);

/**
 * Starts start-etl:
 * - `{"trigger": "schedule"}`: the minute tick: opens what is over, sends out what is due;
 * - `{"pipeline": "orders"}`: the last window that is over, or the given `window`, or every one of `backfill`;
 *   `existing` says what becomes of a run that is there already, `dryRun` only looks;
 * - `{"pipeline": "orders", "replay": {"window": …}}`: what that window's load has set aside, once more;
 * - `{"validate": {…}}`: checks a definition, changes nothing.
 */
export const startEtl = z.union([
  z.looseObject({ trigger: z.literal('schedule') }),
  z.strictObject({ validate: z.unknown().refine((given) => given !== undefined, 'holds no definition') }),
  z.strictObject({
    pipeline,
    replay: z.strictObject({ window: period }),
  }),
  z.strictObject({
    pipeline,
    window: period.optional(),
    backfill: period.optional(),
    existing: z.enum(['leave', 'resume', 'supersede']).default('leave'),
    dryRun: z.boolean().default(false),
  }),
]);

export type StartEtl = z.output<typeof startEtl>;
