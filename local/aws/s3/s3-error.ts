import type { EndpointResponse } from '../http-endpoint.ts';
import { element, xmlResponse } from './xml.ts';

/** A refusal, as S3 words it to its caller. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = {};
  }

  /** The same refusal with headers that say more. */
  with(headers: Readonly<Record<string, string>>): S3Error {
    return Object.assign(new S3Error(this.status, this.code, this.message), { headers });
  }
}

export const noSuchKey = (): S3Error => new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');

export const notImplemented = (what: string): S3Error =>
  new S3Error(501, 'NotImplemented', `${what} is not implemented by the embedded S3`);

/** Answers a refusal; to HEAD without a body, as HTTP wants it. */
export function errorResponse(error: S3Error, { method }: { method: string }): EndpointResponse {
  const { status, code, message, headers } = error;
  if (method === 'HEAD' || status === 304) return { status, headers };
  const response = xmlResponse(`<Error>${element('Code', code)}${element('Message', message)}</Error>`);
  return { ...response, status, headers: { ...response.headers, ...headers } };
}
