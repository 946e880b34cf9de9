import type { Authority } from './authority.ts';
import { serialIn } from './certificate-identifier.ts';
import type { RequestFacts } from './faults.ts';
import { isObject } from './jws.ts';
import { orderedName } from './pauses.ts';
import { accountIdOf } from './urls.ts';

/** What a request claims to be about, read without checking anything: for faults, which come before checks. */
export function readRequestFacts(
  authority: Authority,
  request: { resource: string; path: readonly string[]; body: string },
): RequestFacts {
  const jws = parsed(request.body);
  const { kid } = decoded(jws.protected);
  return {
    resource: request.resource,
    accountId: typeof kid === 'string' ? accountIdOf(kid) : undefined,
    names: namesOf(authority, request, decoded(jws.payload)),
  };
}

function namesOf(
  { store }: Authority,
  { resource, path: [id = ''] }: { resource: string; path: readonly string[] },
  payload: Readonly<Record<string, unknown>>,
): readonly string[] {
  if (resource === 'newOrder') return orderedNames(payload.identifiers);
  if (resource === 'order' || resource === 'finalize') return store.orders.get(id)?.names ?? [];
  if (resource === 'certificate') return store.certificates.get(id)?.names ?? [];
  if (resource === 'renewalInfo') return store.certificates.get(serialIn(id) ?? '')?.names ?? [];
  const authorization = store.authorizations.get(id);
  return authorization === undefined ? [] : [orderedName(authorization)];
}

const orderedNames = (identifiers: unknown): string[] =>
  (Array.isArray(identifiers) ? identifiers : []).flatMap((identifier: unknown) =>
    isObject(identifier) && typeof identifier.value === 'string' ? [identifier.value.toLowerCase()] : [],
  );

const decoded = (value: unknown): Readonly<Record<string, unknown>> =>
  parsed(typeof value === 'string' ? Buffer.from(value, 'base64url').toString() : '');

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
