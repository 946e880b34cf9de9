import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

/** Structured JSON logs; callers pass names, codes and counts, never keys, tokens or secrets. */
export const logger = new Logger();

export const metrics = new Metrics();
