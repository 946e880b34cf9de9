import type { Pipeline } from '../definition/pipeline-schema.ts';

/** A data set as OpenLineage names it: a place and a name within it; neither credentials nor a query. */
export interface Dataset {
  readonly namespace: string;
  readonly name: string;
}

/** @see OpenLineage's naming of datasets: postgres://host:port, s3://bucket, https://host, … */
export function datasetOfSource(source: Pipeline['source']): Dataset {
  switch (source.type) {
    case 'https': {
      const { host, pathname } = new URL(source.url);
      return { namespace: `https://${host}`, name: pathname };
    }
    case 'postgresql':
      return datasetOfTable(source);
    case 's3':
      return { namespace: `s3://${source.bucket}`, name: source.prefix || '/' };
  }
}

/** `analyticsBucket`: where S3 destinations without a bucket of their own write. */
export function datasetOfDestination(
  destination: Pipeline['destinations'][number],
  analyticsBucket: string,
): Dataset {
  switch (destination.type) {
    case 's3': {
      const { bucket = analyticsBucket, prefix, table } = destination;
      return { namespace: `s3://${bucket}`, name: `${prefix}${table}` };
    }
    case 'postgresql':
      return datasetOfTable(destination);
    case 'redshift': {
      const { workgroup, cluster, database, schema, table } = destination;
      return {
        namespace: `redshift://${workgroup ?? cluster ?? ''}`,
        name: `${database}.${schema}.${table}`,
      };
    }
    case 'bigquery': {
      const { project, dataset, table } = destination;
      return { namespace: 'bigquery', name: `${project}.${dataset}.${table}` };
    }
    case 'snowflake': {
      const { account, database, schema, table } = destination;
      return { namespace: `snowflake://${account}`, name: `${database}.${schema}.${table}` };
    }
  }
}

const datasetOfTable = (at: {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}): Dataset => ({
  namespace: `postgres://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`,
  name: `${at.database}.${at.schema}.${at.table}`,
});
