import type { Standing } from './standing.ts';

interface Column {
  readonly title: string;
  readonly digits: number;
  read(standing: Standing): number | undefined;
}

const columns: readonly Column[] = [
  { title: 'requests', digits: 2, read: (standing) => standing.requestsPerCertificate },
  { title: 'CPU ms', digits: 1, read: (standing) => standing.cpuMsPerCertificate },
  { title: 'wall ms', digits: 1, read: (standing) => standing.wallMsPerCertificate },
  { title: 'per second', digits: 1, read: (standing) => standing.certificatesPerSecond },
];

const asides: readonly Column[] = [
  { title: 'latency ms', digits: 0, read: (standing) => standing.latencyMs },
  { title: 'all requests', digits: 2, read: (standing) => standing.allRequestsPerCertificate },
  { title: "CA's CPU ms", digits: 1, read: (standing) => standing.pebbleCpuMsPerCertificate },
  { title: "AWS's CPU ms", digits: 1, read: (standing) => standing.cloudCpuMsPerCertificate },
  { title: 'others', digits: 2, read: (standing) => standing.foreignProcessors },
];

/** Values per certificate, each with its ratio to the yardstick's where there is one. */
export function renderTable(standings: readonly Standing[], yardstick: Standing | undefined): string {
  const titles = ['', 'renewed', ...columns.map(({ title }) => title), ...asides.map(({ title }) => title)];
  const rows = standings.map((standing) => [
    standing.name,
    `${standing.renewed}/${standing.attempted}`,
    ...columns.map((column) => withRatio(column, standing, yardstick)),
    ...asides.map((column) => plain(column, standing)),
  ]);
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [titles, ...rows].map(line).join('\n');
}

function withRatio(column: Column, standing: Standing, yardstick: Standing | undefined): string {
  const value = column.read(standing);
  const unit = yardstick && column.read(yardstick);
  if (value === undefined || !unit) return plain(column, standing);
  return `${plain(column, standing)} ${`(${(value / unit).toFixed(2)}x)`.padStart(8)}`;
}

const plain = (column: Column, standing: Standing): string =>
  column.read(standing)?.toFixed(column.digits) ?? '-';
