import { z } from 'zod';
import { certificateId, columnName, httpsUrl, secretName } from './names.ts';
import { postgresqlTable } from './postgresql-table.ts';

const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { message: 'is a header name' });
const headers = z
  .record(headerName, z.string().max(1_024))
  .refine(
    (given) => !Object.keys(given).some((name) => /^(authorization|cookie|proxy-authorization)$/i.test(name)),
    'carries credentials; use auth with a secret instead',
  );

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('api-key'), header: headerName, secret: secretName }),
  z.strictObject({ type: z.literal('bearer'), secret: secretName }),
  z.strictObject({
    type: z.literal('oauth-client-credentials'),
    tokenUrl: httpsUrl,
    clientId: z.string().min(1).max(256),
    secret: secretName,
    scope: z.string().max(512).optional(),
  }),
]);

const queryParameter = z.string().regex(/^[A-Za-z0-9_.[\]-]{1,64}$/, { message: 'is a query parameter' });
const jsonPointer = z.string().regex(/^(\/([^~/]|~[01])*)+$/, { message: 'is a JSON pointer (RFC 6901)' });

const pagination = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('page'),
    parameter: queryParameter,
    first: z.int().min(0).default(1),
    sizeParameter: queryParameter.optional(),
    size: z.int().min(1).max(10_000).optional(),
  }),
  z.strictObject({ type: z.literal('cursor'), parameter: queryParameter, next: jsonPointer }),
  z.strictObject({ type: z.literal('link') }).describe('The Link header with rel="next" (RFC 8288)'),
]);

const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('json'), path: jsonPointer.optional() }),
  z.strictObject({ type: z.literal('ndjson') }),
  z.strictObject({
    type: z.literal('csv'),
    delimiter: z.string().length(1).default(','),
    quote: z.string().length(1).default('"'),
  }),
]);

/** Only what is newer than the last committed run is read; the overlap is read again and merged by key. */
const watermark = {
  column: columnName,
  overlapSeconds: z.int().min(0).max(604_800).default(0),
};

export const sourceSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('https'),
    url: httpsUrl,
    headers: headers.optional(),
    auth: auth.optional(),
    clientCertificate: certificateId.optional(),
    caSecret: secretName.optional().describe('PEM of the roots to trust instead of the public ones'),
    format,
    pagination: pagination.optional(),
    watermark: z
      .strictObject({
        ...watermark,
        parameter: queryParameter.describe('Asks for records from an instant on'),
        untilParameter: queryParameter.optional().describe('Asks for records before an instant'),
      })
      .optional(),
  }),
  z.strictObject({
    ...postgresqlTable,
    watermark: z.strictObject(watermark).optional(),
  }),
  z.strictObject({
    type: z.literal('s3'),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { message: 'is a bucket name' }),
    prefix: z.string().max(1_024),
    format,
  }),
]);

export type PipelineSource = z.output<typeof sourceSchema>;
