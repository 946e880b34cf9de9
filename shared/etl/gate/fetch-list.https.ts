import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { get as getOverHttps } from 'node:https';
import { Failure } from '../../runtime/errors.ts';
import type { FetchList } from './revocation.ts';

const timeoutMillis = 5_000;
const mostBytes = 20 * 1024 * 1024;
const mostRedirects = 3;

/**
 * Fetches a revocation list, DER, by http or https; redirects keep the scheme. Five seconds and 20 MiB at most.
 * Lists are signed, so the way they come by need not be trusted.
 * @throws Failure `revocation-list-unavailable` (retry)
 */
export const fetchRevocationList: FetchList = async (url, signal) => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);
  let place = new URL(url);
  try {
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const answer = await request(place, deadline);
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

const request = (url: URL, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const options = { signal, agent: false };
    const sent =
      url.protocol === 'https:' ? getOverHttps(url, options, resolve) : getOverHttp(url, options, resolve);
    sent.on('error', reject);
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

const unavailable = (place: URL, what: string) =>
  new Failure({
    code: 'revocation-list-unavailable',
    disposition: 'retry',
    message: `the revocation list at ${place.host} ${what}`,
  });
