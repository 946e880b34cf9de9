import type { Pipeline } from './pipeline-schema.ts';

type Report = (pointer: string, code: string, message: string) => void;

/** What the ends of a pipeline need beyond their form. */
export function checkConnections({ source, destination, contract }: Pipeline, report: Report): void {
  if (source.type === 'postgresql' && !source.passwordSecret && !source.clientCertificate) {
    report('/source', 'credential-missing', 'needs passwordSecret or clientCertificate');
  }
  if (destination.type === 'postgresql' && !destination.passwordSecret && !destination.clientCertificate) {
    report('/destination', 'credential-missing', 'needs passwordSecret or clientCertificate');
  }
  if (destination.type === 'redshift' && !destination.workgroup === !destination.cluster) {
    report('/destination', 'redshift-target', 'names either a workgroup or a cluster');
  }
  if (source.type === 's3' || !source.watermark) return;
  const { column: name } = source.watermark;
  const column = Object.hasOwn(contract.columns, name) ? contract.columns[name] : undefined;
  if (!column) {
    const message = `there is no column ${JSON.stringify(name)} in the contract`;
    report('/source/watermark/column', 'column-unknown', message);
  } else if (column.nullable || !['integer', 'timestamp', 'date', 'string'].includes(column.type)) {
    const message = 'a watermark is an integer, timestamp, date or string that every record has';
    report('/source/watermark/column', 'column-type', message);
  }
}
