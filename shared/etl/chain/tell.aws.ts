import { createAwsChannels, createSns } from '../../report/channels.aws.ts';
import { describeResult } from '../../report/report-to-all.ts';
import { createDynamoDbRunStore } from '../../report/runs.dynamodb.ts';
import { systemClock as clock } from '../../runtime/clock.ts';
import { logger } from '../../runtime/logger.ts';
import { shareSuccess } from '../../runtime/share-success.ts';
import { openLineageEvent } from '../report/open-lineage.ts';
import { tellPeople, throwMissed } from '../report/tell-people.ts';
import type { AwsChain } from './chain.aws.ts';
import type { FinishPorts } from './ports.ts';
import { publishFigures } from './publish-figures.aws.ts';

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
    for (const result of results) {
      const told = { runId: report.runId, ...describeResult(result) };
      if (result.result === 'failed') logger.error('run not reported', told);
      else logger.info('run reported', told);
    }
    throwMissed(results);
    publishFigures(report, settings.ETL_FUNCTIONS);
    logger.info('lineage', { openLineage: openLineageEvent(report, producer) });
  };
}
