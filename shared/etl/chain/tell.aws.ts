import { Metrics } from '@aws-lambda-powertools/metrics';
import { createAwsChannels, createSns } from '../../report/channels.aws.ts';
import { describeResult } from '../../report/report-to-all.ts';
import { createDynamoDbRunStore } from '../../report/runs.dynamodb.ts';
import { systemClock as clock } from '../../runtime/clock.ts';
import { logger } from '../../runtime/logger.ts';
import { shareSuccess } from '../../runtime/share-success.ts';
import { type EtlMetric, etlMetrics } from '../report/etl-metrics.ts';
import type { EtlReport } from '../report/etl-report.ts';
import { openLineageEvent } from '../report/open-lineage.ts';
import { tellPeople } from '../report/tell-people.ts';
import type { AwsChain } from './chain.aws.ts';
import type { FinishPorts } from './ports.ts';

/** Who this program is to a catalogue of lineage. */
const producer = 'https://certfleet.example.com/etl';

interface TellSettings {
  readonly RUNS_TABLE: string;
  readonly REPORT_TOPIC: string;
  readonly SECRETS_PREFIX: string;
  /** What the stack's functions are named after: tells the figures of stages apart that share an account. */
  readonly ETL_FUNCTIONS: string;
}

/**
 * Tells people through the channels of the stack, each once per run and occasion, and machines through metrics and
 * the log, which carries the OpenLineage event.
 */
export function createTeller(
  { dynamoDb, secrets }: Pick<AwsChain, 'dynamoDb' | 'secrets'>,
  settings: TellSettings,
): (signal: AbortSignal) => FinishPorts['tell'] {
  const store = createDynamoDbRunStore(dynamoDb, settings.RUNS_TABLE);
  const findChannels = shareSuccess(() =>
    createAwsChannels({
      sns: createSns(),
      topicName: settings.REPORT_TOPIC,
      secrets,
      secretsPrefix: settings.SECRETS_PREFIX,
    }),
  );
  return (signal) => async (report, pipeline) => {
    const channels = await findChannels();
    const results = await tellPeople({ channels, store, clock, signal }, report, pipeline);
    for (const result of results)
      logger.info('run reported', { runId: report.runId, ...describeResult(result) });
    publishFigures(report, settings.ETL_FUNCTIONS);
    logger.info('lineage', { openLineage: openLineageEvent(report, producer) });
  };
}

/**
 * A run's figures by pipeline, and how it ended once more for the stack: an alarm watches one metric, not all that
 * share a name.
 */
function publishFigures(report: EtlReport, stack: string): void {
  const { dimensions, metrics: figures } = etlMetrics(report);
  publish({ stack, ...dimensions }, figures);
  const ends = figures.filter(({ name }) => name.startsWith('EtlRuns'));
  publish({ stack }, ends);
}

/** Instances of their own: one that is shared loses its dimensions with the first figures that are published. */
function publish(dimensions: Record<string, string>, figures: readonly EtlMetric[]): void {
  const metrics = new Metrics();
  metrics.addDimensions(dimensions);
  for (const { name, unit, value } of figures) metrics.addMetric(name, unit, value);
  metrics.publishStoredMetrics();
}
