import type { EtlReport, ReportedColumn } from './etl-report.ts';

const specification = 'https://openlineage.io/spec';
const eventSchema = `${specification}/2-0-2/OpenLineage.json#/$defs/RunEvent`;
const jobNamespace = 'certfleet';

/** A held run has neither begun nor ended. */
const eventTypes = { succeeded: 'COMPLETE', failed: 'FAIL', held: 'OTHER' } as const;

/**
 * The run as a RunEvent of OpenLineage 2-0-2: nominal time, columns, counts of missing values and of rows written.
 * No facet quotes an error's words. `producer` is a URI that names this program and its version.
 */
export function openLineageEvent(report: EtlReport, producer: string): object {
  const facet = (file: string, version: string, contents: object) => ({
    _producer: producer,
    _schemaURL: `${specification}/facets/${version}/${file}.json#/$defs/${file}`,
    ...contents,
  });
  const schema = (columns: readonly ReportedColumn[]) =>
    facet('SchemaDatasetFacet', '1-1-1', { fields: columns.map(({ name, type }) => ({ name, type })) });
  const { pipeline, runId, window, quality, source, columns } = report;
  return {
    eventType: eventTypes[report.status],
    eventTime: report.finishedAt.toISOString(),
    producer,
    schemaURL: eventSchema,
    run: {
      runId,
      facets: window
        ? {
            nominalTime: facet('NominalTimeRunFacet', '1-0-1', {
              nominalStartTime: window.from.toISOString(),
              nominalEndTime: window.to.toISOString(),
            }),
          }
        : {},
    },
    job: { namespace: jobNamespace, name: pipeline, facets: {} },
    inputs: [
      {
        ...source.dataset,
        facets: { schema: schema(source.columns) },
        inputFacets: {
          dataQualityMetrics: facet('DataQualityMetricsInputDatasetFacet', '1-0-2', {
            rowCount: quality.records,
            columnMetrics: countNulls(report),
          }),
        },
      },
    ],
    outputs: report.destinations.map(({ dataset, figures }) => ({
      ...dataset,
      facets: { schema: schema(columns) },
      outputFacets: figures
        ? {
            outputStatistics: facet('OutputStatisticsOutputDatasetFacet', '1-0-2', {
              rowCount: figures.inserted + figures.updated,
            }),
          }
        : {},
    })),
  };
}

const countNulls = ({ source, quality: { nulls, records } }: EtlReport): object =>
  Object.fromEntries(
    source.columns.map(({ name }) => {
      const nullCount = (Object.hasOwn(nulls, name) ? nulls[name] : 0) ?? 0;
      return [name, { nullCount, count: records - nullCount }];
    }),
  );
