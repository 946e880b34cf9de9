import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { CertificateAuthority } from '../acme/catalogue.ts';
import { type AcmeTransport, createTransport } from '../acme/transport.ts';
import { createRequestPacer, type PaceRequest } from '../limits/request-pacer.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { systemRandom as random } from '../runtime/random.ts';
import { limitsNameOf } from './authorities.ts';
import { type AwsLimits, readAwsLimits } from './limits.aws.ts';
import { readPreferredAuthorities } from './preferred-authorities.ts';

const settings = z.object({
  /** PEM, for a private CA. */
  ACME_CA_ROOTS: z.string().optional(),
});

/** The deployment's CAs, from the environment that serverless.yml gives its functions. */
export interface AwsAuthorities extends AwsLimits {
  /** In order of preference. */
  readonly preferred: readonly CertificateAuthority[];
  /** What a connection to this CA is made with. */
  connectionOptions(authority: CertificateAuthority): {
    readonly directoryUrl: string;
    readonly transport: AcmeTransport;
    readonly clock: typeof clock;
    readonly pace: PaceRequest;
  };
}

/** @throws Failure `invalid-configuration`, `unknown-authority` */
export function readAwsAuthorities(env: Environment, dynamoDb: DynamoDBDocumentClient): AwsAuthorities {
  const config = parseConfig(settings, env);
  const limits = readAwsLimits(env, dynamoDb);
  return {
    ...limits,
    preferred: readPreferredAuthorities(env),
    connectionOptions(authority) {
      const ca = limitsNameOf(authority);
      const { buckets: store, limitsFor } = limits;
      return {
        directoryUrl: authority.directoryUrl,
        transport: createTransport({ roots: config.ACME_CA_ROOTS }),
        clock,
        pace: createRequestPacer({ store, ca, limits: limitsFor(ca), clock, random }),
      };
    },
  };
}
