import type { PipelineDestination } from './destination-schema.ts';
import { pointerTo } from './json-pointer.ts';
import type { Pipeline } from './pipeline-schema.ts';

type Report = (pointer: string, code: string, message: string) => void;

/** What the ends of a pipeline need beyond their form. */
export function checkConnections(pipeline: Pipeline, report: Report): void {
  const { source } = pipeline;
  if (source.type === 'postgresql' && !source.passwordSecret && !source.clientCertificate) {
    report('/source', 'credential-missing', 'needs passwordSecret or clientCertificate');
  }
  checkDestinations(pipeline, report);
  checkWatermark(pipeline, report);
}

/** Names of data keys, and of what certfleet keeps beside the tables it loads. */
const reservedTables: ReadonlySet<string> = new Set([
  '_raw',
  '_quarantine',
  '_loads',
  '_etl_loads',
  '_etl_steps',
]);

function checkDestinations({ source, destinations }: Pipeline, report: Report): void {
  const places = new Set<string>();
  for (const [index, destination] of destinations.entries()) {
    const pointer = pointerTo('destinations', index);
    if (reservedTables.has(destination.table.toLowerCase())) {
      report(
        `${pointer}/table`,
        'table-reserved',
        'is a name certfleet uses itself; call the table otherwise',
      );
    }
    const place = placeOf(destination);
    if (places.has(place)) report(pointer, 'destination-repeated', 'is named twice');
    places.add(place);
    if (destination.type === 'postgresql' && !destination.passwordSecret && !destination.clientCertificate) {
      report(pointer, 'credential-missing', 'needs passwordSecret or clientCertificate');
    }
    if (destination.type === 'redshift' && !destination.workgroup === !destination.cluster) {
      report(pointer, 'redshift-target', 'names either a workgroup or a cluster');
    }
    const overlap = source.type === 's3' ? 0 : (source.watermark?.overlapSeconds ?? 0);
    if (destination.type === 's3' && overlap > 0) {
      const message = 'files cannot merge what an overlap reads again; set overlapSeconds to 0';
      report(pointer, 'overlap-unmerged', message);
    }
  }
}

/** Where rows end up, whoever puts them there and in whatever form: two writers of one place would double its loads. */
function placeOf(destination: PipelineDestination): string {
  switch (destination.type) {
    case 's3':
      return JSON.stringify(['s3', destination.bucket, destination.prefix + destination.table]);
    case 'postgresql': {
      const { host, port, database, schema, table } = destination;
      return JSON.stringify(['postgresql', host.toLowerCase(), port, database, schema, table]);
    }
    case 'redshift': {
      const { workgroup, cluster, database, schema, table } = destination;
      return JSON.stringify(['redshift', workgroup, cluster, database, schema, table]);
    }
    case 'bigquery':
      return JSON.stringify(['bigquery', destination.project, destination.dataset, destination.table]);
    case 'snowflake': {
      const { account, database, schema, table } = destination;
      return JSON.stringify(['snowflake', account.toLowerCase(), database, schema, table]);
    }
  }
}

function checkWatermark({ source, contract }: Pipeline, report: Report): void {
  if (source.type === 's3' || !source.watermark) return;
  const { column: name } = source.watermark;
  const column = Object.hasOwn(contract.columns, name) ? contract.columns[name] : undefined;
  if (!column) {
    const message = `there is no column ${JSON.stringify(name)} in the contract`;
    report('/source/watermark/column', 'column-unknown', message);
  } else if (column.nullable || column.type !== 'timestamp') {
    const message = 'a watermark is a timestamp that every record has';
    report('/source/watermark/column', 'column-type', message);
  }
}
