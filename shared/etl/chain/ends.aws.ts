import type { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import type { SecretStore } from '../../runtime/secrets.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import type { PipelineDestination } from '../definition/destination-schema.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { PipelineSource } from '../definition/source-schema.ts';
import { createBigQueryDestination } from '../destinations/bigquery/destination.bigquery.ts';
import type { Destination } from '../destinations/destination.ts';
import { createPostgresDestination } from '../destinations/postgresql.postgresql.ts';
import { createRedshiftDestination } from '../destinations/redshift/destination.redshift.ts';
import { createRedshiftData } from '../destinations/redshift/statements.redshift.ts';
import { createS3Destination } from '../destinations/s3/destination.ts';
import { createSnowflakeDestination } from '../destinations/snowflake/destination.snowflake.ts';
import type { GateVerdict, PeerRole } from '../gate/gate.ts';
import { createS3ObjectStore } from '../objects/store.s3.ts';
import { createHttpsSource } from '../sources/https/https-source.ts';
import { createPostgresSource } from '../sources/postgresql.postgresql.ts';
import { createS3Source } from '../sources/s3.ts';
import type { Source } from '../sources/source.ts';
import type { Ends } from './ports.ts';

export interface EndParts {
  readonly s3: S3Client;
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly secretsPrefix: string;
  /** Where S3 destinations without a bucket of their own write. */
  readonly analyticsBucket: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** One row per kind of source and of destination; credentials are read anew each time, so that rotation needs nothing. */
export const createAwsEnds = (parts: EndParts): Ends => ({
  source: (pipeline, peers) => openSource(parts, pipeline, peers),
  destinations: (pipeline, peers) =>
    Promise.all(
      pipeline.destinations.map((definition, index) =>
        openDestination(parts, { definition, role: `destination/${index}`, peers }),
      ),
    ),
});

async function openSource(parts: EndParts, pipeline: Pipeline, peers: GateVerdict['peers']): Promise<Source> {
  const { source: definition } = pipeline;
  switch (definition.type) {
    case 'https': {
      const secret = await readSecret(parts, credentialOf(definition));
      const peer = requirePeer(peers, 'source');
      return createHttpsSource({ ...parts, definition, peer, tokenPeer: peers.get('token'), secret });
    }
    case 'postgresql': {
      const password = await readSecret(parts, definition.passwordSecret);
      const columns = Object.keys(pipeline.contract.columns);
      return createPostgresSource({ definition, columns, peer: requirePeer(peers, 'source'), password });
    }
    case 's3':
      return createS3Source({ definition, objects: createS3ObjectStore(parts.s3, definition.bucket) });
  }
}

const credentialOf = ({ auth }: Extract<PipelineSource, { type: 'https' }>): string | undefined =>
  auth?.secret;

async function openDestination(
  parts: EndParts,
  end: { definition: PipelineDestination; role: PeerRole; peers: GateVerdict['peers'] },
): Promise<Destination> {
  const { definition, role, peers } = end;
  const { s3, clock } = parts;
  switch (definition.type) {
    case 's3': {
      const bucket = definition.bucket ?? parts.analyticsBucket;
      const objects = createS3ObjectStore(s3, bucket, { kmsKey: definition.kmsKey });
      return createS3Destination({ definition, objects, clock });
    }
    case 'postgresql': {
      const password = await readSecret(parts, definition.passwordSecret);
      return createPostgresDestination({ definition, peer: requirePeer(peers, role), password, clock });
    }
    case 'redshift': {
      const objects = createS3ObjectStore(s3, definition.staging.bucket);
      return createRedshiftDestination({ definition, client: createRedshiftData(), objects, clock });
    }
    case 'bigquery': {
      const credentials = await parts.secrets.read(`${parts.secretsPrefix}/${definition.credentialsSecret}`);
      return createBigQueryDestination({ definition, peer: requirePeer(peers, role), credentials, clock });
    }
    case 'snowflake': {
      const objects = createS3ObjectStore(s3, definition.staging.bucket);
      const privateKeyPem = (await readSecret(parts, definition.keySecret)) ?? '';
      const peer = requirePeer(peers, role);
      return createSnowflakeDestination({ definition, peer, privateKeyPem, objects, clock });
    }
  }
}

const secretText = z.object({ value: z.string().min(1).max(16_384) });

/** A credential as {"value": "…"}; undefined where none is asked for. */
async function readSecret(
  { secrets, secretsPrefix }: EndParts,
  name: string | undefined,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const place = `${secretsPrefix}/${name}`;
  const read = secretText.safeParse(await secrets.read(place));
  if (read.success) return read.data.value;
  throw new Failure({
    code: 'credential-missing',
    disposition: 'give-up',
    message: `the secret ${place} does not hold {"value": "…"}; put the credential there`,
  });
}

function requirePeer(peers: GateVerdict['peers'], role: PeerRole): TlsPeer {
  const peer = peers.get(role);
  if (peer) return peer;
  throw new Failure({
    code: 'peer-not-checked',
    disposition: 'bug',
    message: `the ${role} of the pipeline has passed no gate`,
  });
}
