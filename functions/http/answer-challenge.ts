import * as z from 'zod';
import { answerChallenge as answerChallengeEvent } from '../../events/answer-challenge.ts';
import { createDynamoDbAnswerStore } from '../../shared/challenges/answers.dynamodb.ts';
import { answerHttpChallenge } from '../../shared/challenges/http-01.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createHandler } from '../../shared/runtime/handler.ts';

const config = parseConfig(z.object({ CHALLENGES_TABLE: z.string() }), process.env);
const answers = createDynamoDbAnswerStore(createDynamoDb(), config.CHALLENGES_TABLE);
const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };

export const handler = createHandler({
  event: answerChallengeEvent,
  async run({ rawPath, requestContext: { http } }) {
    if (http.method !== 'GET' && http.method !== 'HEAD') {
      return { statusCode: 405, headers: { ...headers, allow: 'GET, HEAD' }, body: 'method not allowed\n' };
    }
    const answer = await answerHttpChallenge(rawPath, answers);
    return answer.outcome === 'found'
      ? { statusCode: 200, headers, body: answer.keyAuthorization }
      : { statusCode: 404, headers, body: 'not found\n' };
  },
});
