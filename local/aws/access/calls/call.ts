import { ACCOUNT_ID } from '../../intrinsics.ts';
import type { AccessNeed } from '../role.ts';

/** A request as IAM sees it. */
export interface ServiceCall {
  /** `service:Operation`, as the request names it. */
  readonly operation: string;
  /** All of them are needed; undefined where the operation's permissions are not known here. */
  readonly needs: readonly AccessNeed[] | undefined;
}

/** A request's body; its fields are whatever the caller sent. */
export type RequestBody = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `field` of a body, where it is text. */
export function textOf(body: RequestBody, field: string): string | undefined {
  const value = body[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The operation in an X-Amz-Target header, `Prefix.Operation`. */
export const operationIn = (target: string | string[] | undefined): string =>
  String(target ?? '').split('.')[1] ?? '';

/** `name` as an ARN, unless it is one. */
export const arnOf = (service: string, region: string, name: string): string =>
  name.startsWith('arn:') ? name : `arn:aws:${service}:${region}:${ACCOUNT_ID}:${name}`;
