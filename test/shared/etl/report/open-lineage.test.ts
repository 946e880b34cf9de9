import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../shared/etl/report/dataset.ts';
import { openLineageEvent } from '../../../../shared/etl/report/open-lineage.ts';
import { aDedupingPipeline, aFailedReport, aHeldReport, aLoadedRun, aReport } from './a-report.ts';

const producer = 'https://example.com/certfleet/0.1.0';

/** What RunEvent 2-0-2 and the facets in use ask for, in our own words. */
const string = { type: 'string', minLength: 1 };
const instant = { type: 'string', format: 'date-time' };
const uri = { type: 'string', format: 'uri' };
const count = { type: 'integer', minimum: 0 };
const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
});
const facet = (properties: object, required?: readonly string[]) => ({
  allOf: [object({ _producer: uri, _schemaURL: uri }), object(properties, required)],
});
const facets = (known: object) => ({
  type: 'object',
  properties: known,
  additionalProperties: facet({}),
});
const schema = facet({ fields: { type: 'array', items: object({ name: string, type: string }) } });
const dataset = (more: object) =>
  object({ namespace: string, name: string, facets: facets({ schema }), ...more });
const columnMetrics = {
  type: 'object',
  additionalProperties: object({ nullCount: count, count: { type: 'number', minimum: 0 } }),
};
const runEvent = object({
  eventType: { enum: ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] },
  eventTime: instant,
  producer: uri,
  schemaURL: { const: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent' },
  run: object({
    runId: { type: 'string', format: 'uuid' },
    facets: facets({
      nominalTime: facet({ nominalStartTime: instant, nominalEndTime: instant }, ['nominalStartTime']),
    }),
  }),
  job: object({ namespace: string, name: string }),
  inputs: {
    type: 'array',
    items: dataset({
      inputFacets: facets({
        dataQualityMetrics: facet({ rowCount: count, columnMetrics }, ['columnMetrics']),
      }),
    }),
  },
  outputs: {
    type: 'array',
    items: dataset({ outputFacets: facets({ outputStatistics: facet({ rowCount: count }) }) }),
  },
});

const ajv = new Ajv2020({
  allErrors: true,
  formats: {
    uri: (text: string) => URL.canParse(text),
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/,
  },
});
const isRunEvent = ajv.compile(runEvent);

describe('the OpenLineage event of a run', () => {
  it.each([
    ['COMPLETE', aReport()],
    ['FAIL', aFailedReport()],
    ['OTHER', aHeldReport()],
    [
      'COMPLETE',
      aReport({ run: aLoadedRun({ scope: { kind: 'replay', loadId: 'ab', round: 1, of: 'window/x' } }) }),
    ],
  ])('is a RunEvent (%s)', (eventType, report) => {
    const event = openLineageEvent(report, producer);
    isRunEvent(event);
    expect(isRunEvent.errors ?? []).toEqual([]);
    expect(event).toMatchObject({ eventType, job: { namespace: 'certfleet', name: 'orders' } });
    expect(JSON.stringify(event)).not.toContain('errorMessage');
  });

  it('is checked by a schema that refuses what is not one', () => {
    const { run: _, ...runless } = openLineageEvent(aReport(), producer) as Record<string, unknown>;
    expect(isRunEvent(runless)).toBe(false);
    expect(isRunEvent({ ...openLineageEvent(aReport(), 'no uri') })).toBe(false);
  });

  it('tells the window, the columns, the missing values and the rows that were written', () => {
    expect(openLineageEvent(aReport(), producer)).toMatchObject({
      eventTime: '2026-11-21T12:00:12.340Z',
      run: {
        facets: {
          nominalTime: {
            _producer: producer,
            nominalStartTime: '2026-11-21T11:00:00.000Z',
            nominalEndTime: '2026-11-21T12:00:00.000Z',
          },
        },
      },
      inputs: [
        {
          namespace: 'https://api.shop.example.com',
          name: '/v2/orders',
          facets: {
            schema: { fields: expect.arrayContaining([{ name: 'age', type: 'integer' }]) },
          },
          inputFacets: {
            dataQualityMetrics: {
              rowCount: 100,
              columnMetrics: { age: { nullCount: 25, count: 75 }, country: { nullCount: 0, count: 100 } },
            },
          },
        },
      ],
      outputs: [
        {
          namespace: 's3://clean-data',
          name: 'people',
          facets: { schema: { fields: expect.arrayContaining([{ name: 'email', type: 'string' }]) } },
          outputFacets: { outputStatistics: { rowCount: 85 } },
        },
      ],
    });
  });

  it('names every place as catalogues do, without user, secret or query', () => {
    const postgresql = {
      type: 'postgresql',
      host: 'db.example.com',
      database: 'shop',
      user: 'etl',
      passwordSecret: 'etl/db',
      table: 't',
    };
    const nameOf = (changes: Record<string, unknown>, analyticsBucket = 'analytics'): Dataset[] => {
      const { source, destinations } = aReport({ pipeline: aDedupingPipeline(changes), analyticsBucket });
      return [source.dataset, ...destinations.map((each) => each.dataset)];
    };
    expect(
      nameOf({ source: postgresql, destinations: [{ type: 's3', prefix: 'shop/', table: 'orders' }] }),
    ).toEqual([
      { namespace: 'postgres://db.example.com:5432', name: 'shop.public.t' },
      { namespace: 's3://analytics', name: 'shop/orders' },
    ]);
    expect(JSON.stringify(openLineageEvent(aReport(), producer))).not.toContain('region=eu');
  });
});
