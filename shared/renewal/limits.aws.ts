import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { createDynamoDbBucketItems } from '../limits/bucket-store.dynamodb.ts';
import { type BucketStore, createBucketStore } from '../limits/bucket-store.ts';
import { type CaLimits, parseLimits, publishedLimits } from '../limits/published-limits.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { systemRandom as random } from '../runtime/random.ts';

const settings = z.object({
  /** Limits of a CA outside the catalogue: an id whose limits it shares, or rows as JSON. */
  ACME_LIMITS: z.string().optional(),
  RATE_LIMITS_TABLE: z.string(),
});

/** The limits of the deployment's CAs and what is left of them. */
export interface AwsLimits {
  readonly limitsFor: (ca: string) => CaLimits;
  readonly buckets: BucketStore;
}

/** @throws Failure `invalid-configuration` */
export function readAwsLimits(env: Environment, dynamoDb: DynamoDBDocumentClient): AwsLimits {
  const config = parseConfig(settings, env);
  const own = config.ACME_LIMITS ? parseLimits(config.ACME_LIMITS) : undefined;
  const items = createDynamoDbBucketItems(dynamoDb, config.RATE_LIMITS_TABLE);
  return {
    // ACME_LIMITS speaks of CAs the catalogue does not know; what CAs publish stands.
    limitsFor: (ca) => (own && URL.canParse(ca) ? own : publishedLimits(ca)),
    buckets: createBucketStore(items, { clock, random }),
  };
}
