import * as z from 'zod';

/**
 * Starts schedule-renewals; without anything else it is one tick. Closed, because a misspelt `dryRun` would
 * renew.
 */
export const scheduleRenewals = z
  .strictObject({
    trigger: z.string().optional(),
    /** Absent: what is sent belongs to the run of the day (UTC). */
    runId: z.string().min(1).max(64).optional(),
    /** Answers with the plan of the whole backlog and changes nothing. */
    dryRun: z.boolean().default(false),
    /** With dryRun: also what falls due within so many hours, or has its place in the plan by then. */
    dueWithinHours: z.number().min(0).max(8760).default(0),
    /** These certificates alone. */
    names: z.array(z.string().min(1).max(253)).min(1).max(10_000).optional(),
    /** Certificates of this CA alone, by catalogue id or directory URL. */
    ca: z.string().min(1).optional(),
    /** Renews though nothing is due, and wakes what rests or is set aside. */
    force: z.boolean().default(false),
    /** With force: the whole fleet, the answer to a mass revocation. */
    all: z.boolean().default(false),
    /** With all: goes on behind this certificate, as a call that ran out of time has answered. */
    after: z.string().min(1).max(253).optional(),
  })
  .refine(({ force, all, names }) => !force || all !== (names !== undefined), {
    path: ['force'],
    message: 'takes either names, or all: true for the whole fleet',
  })
  .refine(({ force, all }) => force || !all, { path: ['all'], message: 'belongs to force' })
  .refine(({ all, after }) => all || after === undefined, { path: ['after'], message: 'belongs to all' })
  .refine(({ dryRun, dueWithinHours }) => dryRun || dueWithinHours === 0, {
    path: ['dueWithinHours'],
    message: 'belongs to dryRun',
  });
