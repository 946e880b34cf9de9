import * as z from 'zod';

const instant = z.iso
  .datetime({ error: 'an instant in UTC, such as 2026-11-21T11:00:00Z' })
  .transform((text) => new Date(text));
const period = exactly({ from: instant, to: instant });
const aName = 'the name of a pipeline, of 1 to 64 characters';
const pipeline = z.string(aName).min(1, aName).max(64, aName);

const tick = z.looseObject({ trigger: z.literal('schedule', 'the one trigger there is: "schedule"') });
const validation = exactly({
  validate: z.unknown().refine((given) => given !== undefined, 'holds no definition'),
});
const replay = exactly({ pipeline, replay: exactly({ window: period }) });
const runs = exactly({
  pipeline,
  window: period.optional(),
  backfill: period.optional(),
  existing: z
    .enum(['leave', 'resume', 'supersede'], 'one of "leave", "resume", "supersede"')
    .default('leave'),
  dryRun: z.boolean('true or false').default(false),
}).refine(({ window, backfill }) => !window || !backfill, {
  path: ['backfill'],
  error: 'does not go with window; give one of the two',
});

/**
 * Starts start-etl:
 * - `{"trigger": "schedule"}`: the minute tick: opens what is over, sends out what is due;
 * - `{"pipeline": "orders"}`: the last window that is over, or the given `window`, or every one of `backfill`;
 *   `existing` says what becomes of a run that is there already, `dryRun` only looks;
 * - `{"pipeline": "orders", "replay": {"window": …}}`: what that window's load has set aside, once more;
 * - `{"validate": {…}}`: checks a definition, changes nothing.
 *
 * An event that is refused is measured by the one of these it was meant to be.
 */
export const startEtl = z.unknown().transform((event, context) => {
  const meant = meantBy(event);
  if (!meant) {
    context.addIssue('holds none of "trigger", "pipeline", "validate"; one says what is to be started');
    return z.NEVER;
  }
  const { data, error } = meant.safeParse(event);
  for (const { path, message } of error?.issues ?? []) context.addIssue({ code: 'custom', path, message });
  return data ?? z.NEVER;
});

export type StartEtl = z.output<typeof startEtl>;

function meantBy(event: unknown) {
  const has = (member: string) => typeof event === 'object' && event !== null && member in event;
  if (has('trigger')) return tick;
  if (has('validate')) return validation;
  if (has('replay')) return replay;
  const ofRuns = Object.keys(runs.shape);
  return ofRuns.some(has) ? runs : undefined;
}

/** An object whose unknown members are refused with the names of those there are. */
function exactly<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.map(shorten).join(', ')} is no member here; there are ${Object.keys(shape).join(', ')}`
        : `an object of ${Object.keys(shape).join(', ')}`,
  });
}

const longestShown = 64;
const shorten = (key: string): string =>
  JSON.stringify(key.length > longestShown ? `${key.slice(0, longestShown)}…` : key);
