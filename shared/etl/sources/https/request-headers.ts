import { Failure } from '../../../runtime/errors.ts';
import type { HttpsDefinition } from './pagination.ts';

const accepted = {
  json: 'application/json',
  ndjson: 'application/x-ndjson, application/ndjson, application/jsonl, */*;q=0.1',
  csv: 'text/csv, */*;q=0.1',
} as const;

/** They belong to the connection, to one page, or would have a part be answered for the whole. */
const refused =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|expect|range|if-.*|proxy-.*)$/;

/**
 * The fields of every request, names in lower case; the definition's own come over the usual ones.
 * @throws Failure `source-header-refused` (give-up)
 */
export function requestHeaders({ headers = {}, format }: HttpsDefinition): Readonly<Record<string, string>> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of own) {
    if (!refused.test(name) && /^[\t\x20-\x7e]*$/.test(value)) continue;
    throw new Failure({
      code: 'source-header-refused',
      disposition: 'give-up',
      message: `the header ${name} of the source cannot be set, or not to characters beyond ASCII; leave it out`,
    });
  }
  return {
    accept: accepted[format.type],
    'accept-encoding': 'gzip, deflate, br',
    'user-agent': 'certfleet/0.1',
    ...Object.fromEntries(own),
  };
}
