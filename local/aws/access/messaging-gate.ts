import type { IncomingHttpHeaders } from 'node:http';
import type { buildApp } from 'fauxqs';
import { awsError, type EndpointResponse } from '../http-endpoint.ts';
import { isRecord, operationIn } from './calls/call.ts';
import { readS3Absence, readS3Call } from './calls/s3.ts';
import { readSnsCall } from './calls/sns.ts';
import { readSqsCall } from './calls/sqs.ts';
import type { AccessGuard } from './guard.ts';

type Protocol = 'sqs' | 'sns' | 's3';

interface MessagingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As the server has parsed it. */
  readonly body: unknown;
}

/** Holds the functions to their roles at SQS, SNS and S3, which share one server; before it listens. */
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
  // As S3 does, a caller who may not list the bucket is not told that a key is missing.
  app.addHook('onSend', (request, reply, payload, done) => {
    const caller = reply.statusCode === 404 ? guard.findCaller(request) : undefined;
    const missesKey = protocolOf(request) === 's3' && String(payload).includes('NoSuchKey');
    const refusal = caller && missesKey ? guard.refuse(caller, readS3Absence(request.url)) : undefined;
    if (refusal === undefined) return done(null, payload);
    const { status, headers = {}, body } = refusals.s3(refusal);
    reply.code(status).headers(headers).removeHeader('content-length');
    done(null, body);
  });
}

function protocolOf({ headers }: MessagingRequest): Protocol {
  if (headers['x-amz-target'] !== undefined) return 'sqs';
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? 'sns' : 's3';
}

function readCall(protocol: Protocol, { method, url, headers, body }: MessagingRequest, region: string) {
  const fields = isRecord(body) ? body : {};
  if (protocol === 'sqs') return readSqsCall(operationIn(headers['x-amz-target']), fields, region);
  if (protocol === 'sns') return readSnsCall(fields, region);
  return readS3Call({ method, url, copies: headers['x-amz-copy-source']?.toString() });
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
  s3: (message) => xml(`<Error><Code>AccessDenied</Code><Message>${escapeXml(message)}</Message></Error>`),
};

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
