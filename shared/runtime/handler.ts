import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { z } from 'zod';
import { systemClock } from './clock.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { asFailure, Failure } from './errors.ts';
import { logger, metrics } from './logger.ts';
import { answeredFailure, toldFailure } from './told-failure.ts';

/** What a function knows of the invocation it runs in. */
export interface Invocation {
  /** Unique over all invocations of all functions. */
  readonly id: string;
  readonly deadline: Deadline;
}

/** Kept free of the time limit, so that an answer and the logs still leave. */
const reserveMillis = 2000;

/**
 * A Lambda handler: checks the event against `event`, runs under a deadline a little shorter than the
 * function's own, logs failures by code, and flushes metrics. A malformed event is `invalid-event`. A failure is
 * answered with its code as `errorType`; an error that nobody classified as it was thrown, and by its name alone where
 * `unclassified` says so, because the function handles data that errors may quote.
 */
export function createHandler<Schema extends z.ZodType, Result>(definition: {
  event: Schema;
  unclassified?: 'as-thrown' | 'by-name';
  /** What the log of a failed invocation names beside the failure. */
  about?: (event: z.output<Schema>) => Readonly<Record<string, unknown>>;
  run: (event: z.output<Schema>, invocation: Invocation, context: Context) => Promise<Result>;
}) {
  return middy<unknown, Result>()
    .use(injectLambdaContext(logger))
    .handler(async (event: unknown, context: Context) => {
      const deadline = startDeadline(systemClock, context.getRemainingTimeInMillis() - reserveMillis);
      let about: Readonly<Record<string, unknown>> = {};
      try {
        const invocation = { id: `${context.functionName}/${context.awsRequestId}`, deadline };
        const input = parseEvent(definition.event, event);
        about = definition.about?.(input) ?? {};
        return await definition.run(input, invocation, context);
      } catch (error) {
        const failure = definition.unclassified === 'by-name' ? toldFailure(error) : asFailure(error);
        const { code, disposition, message } = failure;
        logger.error('invocation failed', { ...about, code, disposition, problem: message });
        const isAsThrown = definition.unclassified !== 'by-name' && code === 'unexpected';
        throw isAsThrown ? error : answeredFailure(failure);
      } finally {
        deadline.stop();
        if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
      }
    });
}

/** @throws Failure `invalid-event` naming every problem by its path */
export function parseEvent<Schema extends z.ZodType>(schema: Schema, event: unknown): z.output<Schema> {
  const result = schema.safeParse(event);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'event'}: ${issue.message}`);
  throw new Failure({
    code: 'invalid-event',
    disposition: 'give-up',
    message: `the event is not what this function takes: ${problems.join('; ')}`,
  });
}
