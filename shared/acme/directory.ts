import { Failure } from '../runtime/errors.ts';
import type { AcmeResponse } from './transport.ts';

/** A directory object (RFC 8555, 7.1.1; RFC 9773 adds `renewalInfo`). */
export type Directory = Readonly<Record<string, unknown>>;

/** What requests are counted by: CAs limit these paths apart. */
export type Endpoint =
  | 'directory'
  | 'newNonce'
  | 'newAccount'
  | 'newOrder'
  | 'revokeCert'
  | 'renewalInfo'
  | 'acme';

const namedEndpoints = ['newNonce', 'newAccount', 'newOrder', 'revokeCert'] as const;

/** Which of the CA's request limits a URL counts against; `acme` is everything without one of its own. */
export function findEndpoint(url: string, directory: Directory = {}): Endpoint {
  const { renewalInfo } = directory;
  if (typeof renewalInfo === 'string' && url.startsWith(renewalInfo)) return 'renewalInfo';
  return namedEndpoints.find((name) => directory[name] === url) ?? 'acme';
}

/** @throws Failure `ca-protocol` where the answer is no directory */
export function readDirectory({ status, data }: AcmeResponse, directoryUrl: string): Directory {
  if (status === 200 && typeof data === 'object' && data !== null && 'newOrder' in data)
    return data as unknown as Directory;
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: `${directoryUrl} is not an ACME directory (status ${status}, no newOrder); check the directory URL`,
  });
}

/** The URL of a resource. @throws Failure `ca-protocol` where the directory has none */
export function requireResource(directory: Directory, name: string, directoryUrl: string): string {
  const url = directory[name];
  if (typeof url === 'string') return url;
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: `the directory at ${directoryUrl} has no ${name}; check the directory URL`,
  });
}
