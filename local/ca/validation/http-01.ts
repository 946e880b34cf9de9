import { type IncomingMessage, request } from 'node:http';
import { isIPv6 } from 'node:net';
import { nameOf, ValidationFailure, type ValidationTarget, validationTimeoutMillis } from './proof.ts';

const largestBodyBytes = 4096;
const mostRedirects = 10;
const loopbackHosts = ['127.0.0.1', 'localhost'];

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/**
 * http-01 (RFC 8555, 8.3). Every host name is taken to be 127.0.0.1, port 80 to be `port`.
 * @throws ValidationFailure
 */
export async function validateHttp01(
  target: ValidationTarget,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const { domain, token, keyAuthorization } = target;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(validationTimeoutMillis)]);
  const authority = isIPv6(domain) ? `[${domain}]` : domain;
  let url = new URL(`http://${authority}/.well-known/acme-challenge/${token}`);
  let answer = await get(url, port, limit);
  for (let redirects = 0; answer.location !== undefined; redirects += 1) {
    if (redirects === mostRedirects) throw new ValidationFailure('connection', 'too many redirects');
    url = followRedirect(url, answer.location, authority);
    answer = await get(url, port, limit);
  }
  if (answer.status !== 200) {
    throw new ValidationFailure('unauthorized', `${url.href} answered with status ${answer.status}`);
  }
  if (answer.body.trimEnd() !== keyAuthorization) {
    throw new ValidationFailure('unauthorized', `${url.href} did not answer with the key authorization`);
  }
}

/** The next address. @throws ValidationFailure when it leaves this machine or plain HTTP */
function followRedirect(from: URL, location: string, domain: string): URL {
  if (!URL.canParse(location, from.href)) {
    throw new ValidationFailure('connection', 'redirected to something that is no URL');
  }
  const url = new URL(location, from);
  if (url.protocol !== 'http:') {
    throw new ValidationFailure('connection', `redirected to ${url.protocol}, which is not followed here`);
  }
  if (url.hostname !== domain && !loopbackHosts.includes(url.hostname)) {
    throw new ValidationFailure('connection', `redirected to ${url.hostname}, which is not on this machine`);
  }
  return url;
}

function get(url: URL, defaultPort: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(new ValidationFailure('connection', `${url.href} could not be fetched: ${nameOf(error)}`));
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: url.port === '' ? defaultPort : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, 'user-agent': 'certfleet-local-ca', connection: 'close' },
        agent: false,
        signal,
      },
      (response) => {
        readBody(response).then((body) => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, body, location: status >= 300 && status < 400 ? headers.location : undefined });
        }, fail);
      },
    );
    outgoing.on('error', fail);
    outgoing.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('latin1');
  for await (const chunk of response) {
    body += chunk;
    if (body.length > largestBodyBytes) throw new Error(`the body exceeds ${largestBodyBytes} bytes`);
  }
  return body;
}
