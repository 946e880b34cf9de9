import type { IncomingHttpHeaders } from 'node:http';
import type { buildApp } from 'fauxqs';
import { awsError, type EndpointResponse } from '../http-endpoint.ts';
import { isRecord, operationIn } from './calls/call.ts';
import { readSnsCall } from './calls/sns.ts';
import { readSqsCall } from './calls/sqs.ts';
import type { AccessGuard } from './guard.ts';

type Protocol = 'sqs' | 'sns';

interface MessagingRequest {
  readonly headers: IncomingHttpHeaders;
  /** As the server has parsed it. */
  readonly body: unknown;
}

/** Holds the functions to their roles at SQS and SNS, which share one server; before it listens. */
export function gateMessaging(
  app: Pick<ReturnType<typeof buildApp>, 'addHook'>,
  { guard, region }: { guard: AccessGuard; region: string },
): void {
  app.addHook('preHandler', (request, reply, done) => {
    const caller = guard.findCaller(request);
    if (!caller) return done();
    const protocol = protocolOf(request);
    const refusal = guard.refuse(caller, readCall(protocol, request, region));
    if (refusal === undefined) return done();
    const { status, headers = {}, body } = refusals[protocol](refusal);
    reply.code(status).headers(headers).send(body);
  });
}

function protocolOf({ headers }: MessagingRequest): Protocol {
  return headers['x-amz-target'] === undefined ? 'sns' : 'sqs';
}

function readCall(protocol: Protocol, { headers, body }: MessagingRequest, region: string) {
  const fields = isRecord(body) ? body : {};
  return protocol === 'sqs'
    ? readSqsCall(operationIn(headers['x-amz-target']), fields, region)
    : readSnsCall(fields, region);
}

const xml = (body: string): EndpointResponse => ({
  status: 403,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});

const refusals: Readonly<Record<Protocol, (message: string) => EndpointResponse>> = {
  sqs: (message) => awsError({ status: 400, type: 'AccessDeniedException', message }),
  sns: (message) =>
    xml(
      `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>${escapeXml(message)}</Message></Error></ErrorResponse>`,
    ),
};

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
