import type { PipelineDestination } from '../definition/destination-schema.ts';
import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { PipelineSource } from '../definition/source-schema.ts';
import type { PeerRole } from './gate.ts';

/** One end of a pipeline that is connected to by TLS of our own. */
export interface PipelineEnd {
  readonly role: PeerRole;
  readonly host: string;
  readonly port: number;
  /** Its id in the fleet. */
  readonly clientCertificate?: string | undefined;
  /** Names the secret with the roots to trust in place of the public ones. */
  readonly caSecret?: string | undefined;
  readonly upgrade?: 'postgresql' | undefined;
}

/** Whom a pipeline connects to; S3 and Redshift go by the AWS SDK and have no end here. */
export const listEnds = ({
  source,
  destinations,
}: Pick<Pipeline, 'source' | 'destinations'>): PipelineEnd[] => [
  ...sourceEnds(source),
  ...destinations.flatMap((destination, index) => {
    const end = destinationEnd(destination);
    return end ? [{ ...end, role: `destination/${index}` as const }] : [];
  }),
];

function sourceEnds(source: PipelineSource): PipelineEnd[] {
  switch (source.type) {
    case 'https': {
      // The token's issuer belongs to the API: it knows the same client and is trusted by the same roots.
      const { clientCertificate, caSecret, auth } = source;
      const shared = { clientCertificate, caSecret };
      const token = auth?.type === 'oauth-client-credentials' ? auth.tokenUrl : undefined;
      return [
        { role: 'source', ...placeOf(source.url), ...shared },
        ...(token ? [{ role: 'token' as const, ...placeOf(token), ...shared }] : []),
      ];
    }
    case 'postgresql':
      return [{ role: 'source', ...databaseEnd(source) }];
    case 's3':
      return [];
  }
}

function destinationEnd(destination: PipelineDestination): Omit<PipelineEnd, 'role'> | undefined {
  switch (destination.type) {
    case 'postgresql':
      return databaseEnd(destination);
    case 'bigquery':
      return { host: 'bigquery.googleapis.com', port: 443 };
    case 'snowflake':
      return { host: snowflakeHost(destination.account), port: 443 };
    case 's3':
    case 'redshift':
      return undefined;
  }
}

/** An account's underscores are hyphens in its name, since certificates and hosts have none. */
export const snowflakeHost = (account: string): string =>
  `${account.toLowerCase().replaceAll('_', '-')}.snowflakecomputing.com`;

type Database = Extract<PipelineSource | PipelineDestination, { type: 'postgresql' }>;

const databaseEnd = ({ host, port, clientCertificate, caSecret }: Database): Omit<PipelineEnd, 'role'> => ({
  host: host.toLowerCase(),
  port,
  clientCertificate,
  caSecret,
  upgrade: 'postgresql',
});

function placeOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) };
}
