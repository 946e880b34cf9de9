import type { AcmeReply, Authority } from './authority.ts';
import type { AnswerAct, InsteadAct } from './faults.ts';

const page = '<!doctype html><title>Welcome</title><p>Please sign in to use this network.</p>\n';

/** What a client sees in place of the request's effect; undefined when the request is only late. */
export async function answerInstead(authority: Authority, act: InsteadAct): Promise<AcmeReply | undefined> {
  const { urls, ledger } = authority;
  if (act === 'drop-before') return lost('dropped');
  if (act === 'hang') return lost('withheld');
  if (act === 'html')
    return { status: 200, text: { type: 'text/html', body: page }, replayNonce: 'withheld' };
  if (act === 'redirect') {
    return { status: 307, headers: { location: urls.directory }, replayNonce: 'withheld' };
  }
  if ('delayBeforeMillis' in act) {
    return (await outlasts(authority, act.delayBeforeMillis)) ? undefined : lost('dropped');
  }
  const { status, problemType = 'serverInternal', retryAfterSeconds, body, contentType } = act;
  const headers = {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...act.headers,
  };
  if (body !== undefined) {
    const text = { type: contentType ?? 'application/json', body };
    return { status, text, headers, replayNonce: 'withheld' };
  }
  ledger.countProblem({ type: problemType, limit: undefined });
  const problem = {
    type: `urn:ietf:params:acme:error:${problemType}`,
    detail: 'a fault was asked for',
    status,
  };
  const type = contentType ?? 'application/problem+json';
  return { status, text: { type, body: JSON.stringify(problem) }, headers };
}

/** What becomes of the answer to a request that has had its effect. */
export async function tamperWithAnswer(
  authority: Authority,
  reply: AcmeReply,
  act: AnswerAct,
): Promise<AcmeReply> {
  if (act === 'drop-after') return { ...reply, transport: 'dropped' };
  if (act === 'truncate') return { ...reply, transport: 'truncated' };
  if (act === 'wrong-chain-order') return withChainReversed(reply);
  return (await outlasts(authority, act.delayMillis)) ? reply : lost('dropped');
}

const lost = (transport: 'dropped' | 'withheld'): AcmeReply => ({ status: 0, transport });

function withChainReversed(reply: AcmeReply): AcmeReply {
  if (reply.text === undefined) return reply;
  const certificates = reply.text.body.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
  return { ...reply, text: { ...reply.text, body: certificates.reverse().join('') } };
}

/** Whether the CA is still there after the wait. */
async function outlasts({ clock, background }: Authority, millis: number): Promise<boolean> {
  await clock.sleep(millis, background.signal).catch(() => {});
  return !background.signal.aborted;
}
