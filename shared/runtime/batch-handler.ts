import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { asFailure } from './errors.ts';
import { createHandler, type Invocation, parseEvent } from './handler.ts';
import { logger } from './logger.ts';

const sqsEvent = z.looseObject({
  Records: z.array(z.looseObject({ messageId: z.string(), body: z.string() })),
});

/**
 * A Lambda handler for an SQS queue whose messages are JSON of `message`: runs a batch's messages at once and
 * reports the ones that threw, alone, for redelivery.
 */
export function createBatchHandler<Schema extends z.ZodType>(definition: {
  message: Schema;
  run: (message: z.output<Schema>, invocation: Invocation) => Promise<void>;
}) {
  return createHandler({
    event: sqsEvent,
    run: (event, invocation, context: Context): Promise<SQSBatchResponse> => {
      const processor = new BatchProcessor(EventType.SQS);
      const handleRecord = async (record: SQSRecord) => {
        try {
          await definition.run(parseEvent(definition.message, parseJson(record.body)), invocation);
        } catch (error) {
          const { code, message } = asFailure(error);
          logger.error('message failed', { messageId: record.messageId, code, problem: message });
          throw error;
        }
      };
      return processPartialResponse(event as unknown as SQSEvent, handleRecord, processor, { context });
    },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Left to the schema, whose message names what was expected.
    return text;
  }
}
