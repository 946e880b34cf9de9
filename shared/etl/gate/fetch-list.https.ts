import { lookup as resolve } from 'node:dns';
import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { get as getOverHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Failure } from '../../runtime/errors.ts';
import { isAddress, isLocalAddress } from './local-address.ts';
import type { FetchList } from './revocation.ts';

const timeoutMillis = 5_000;
const mostBytes = 20 * 1024 * 1024;
const mostRedirects = 3;

/** `refused`: no list is fetched from this machine or its link, whatever its URL, a redirect or a resolver says. */
type LocalAddresses = 'allowed' | 'refused';

/**
 * Fetches a revocation list, DER, by http or https; redirects keep the scheme. Five seconds and 20 MiB at most.
 * Lists are signed, so the way they come by need not be trusted; where they are is told by whoever showed the
 * certificate, so that an address of this machine could be any service on it.
 * @throws Failure `revocation-list-unavailable` (retry)
 */
export const createFetchRevocationList =
  ({ localAddresses }: { localAddresses: LocalAddresses }): FetchList =>
  async (url, signal) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);
    let place = new URL(url);
    try {
      for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
        const answer = await request(place, { localAddresses, signal: deadline });
        const next = followed(answer, place);
        if (!next) return await readBody(answer, place);
        answer.destroy();
        place = next;
      }
      throw unavailable(place, 'redirects too often');
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw unavailable(
        place,
        deadline.aborted ? `did not answer within ${timeoutMillis} ms` : 'cannot be reached',
      );
    }
  };

function request(
  url: URL,
  { localAddresses, signal }: { localAddresses: LocalAddresses; signal: AbortSignal },
): Promise<IncomingMessage> {
  const refuses = localAddresses === 'refused';
  // Nobody looks up what is an address already.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (refuses && isAddress(host) && isLocalAddress(host)) throw isLocal(url);
  return new Promise((answer, reject) => {
    const options = { signal, agent: false, ...(refuses && { lookup: lookUpElsewhere(url) }) };
    const sent =
      url.protocol === 'https:' ? getOverHttps(url, options, answer) : getOverHttp(url, options, answer);
    sent.on('error', reject);
  });
}

/** The lookup of one request, so that the addresses that are checked are those connected to. */
const lookUpElsewhere =
  (url: URL): LookupFunction =>
  (host, options, done) =>
    resolve(host, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
      done(error ?? (addresses.some(isLocalAddress) ? isLocal(url) : null), found, family);
    });

function followed({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) return undefined;
  const next = URL.parse(headers.location, from.href);
  if (next?.protocol !== from.protocol) throw unavailable(from, 'redirects to another scheme');
  return next;
}

async function readBody(answer: IncomingMessage, from: URL): Promise<Buffer> {
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw unavailable(from, `answered ${answer.statusCode}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBytes) throw unavailable(from, `is larger than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const isLocal = (place: URL) =>
  unavailable(place, 'is at an address of this machine or its link; have the CA publish it elsewhere');

const unavailable = (place: URL, what: string) =>
  new Failure({
    code: 'revocation-list-unavailable',
    disposition: 'retry',
    message: `the revocation list at ${place.host} ${what}`,
  });
