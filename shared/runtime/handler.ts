import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { z } from 'zod';
import { systemClock } from './clock.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { asFailure, Failure } from './errors.ts';
import { logger, metrics } from './logger.ts';

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
 * function's own, logs failures by code, and flushes metrics. A malformed event is `invalid-event`.
 */
export function createHandler<Schema extends z.ZodType, Result>(definition: {
  event: Schema;
  run: (event: z.output<Schema>, invocation: Invocation, context: Context) => Promise<Result>;
}) {
  return middy<unknown, Result>()
    .use(injectLambdaContext(logger))
    .handler(async (event: unknown, context: Context) => {
      const deadline = startDeadline(systemClock, context.getRemainingTimeInMillis() - reserveMillis);
      try {
        const invocation = { id: `${context.functionName}/${context.awsRequestId}`, deadline };
        return await definition.run(parseEvent(definition.event, event), invocation, context);
      } catch (error) {
        const { code, disposition, message } = asFailure(error);
        logger.error('invocation failed', { code, disposition, problem: message });
        throw error;
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
