import * as z from 'zod';

/** The part of a Function URL's request (payload format 2.0) that answer-challenge reads. */
export const answerChallenge = z.looseObject({
  rawPath: z.string(),
  requestContext: z.looseObject({ http: z.looseObject({ method: z.string() }) }),
});
