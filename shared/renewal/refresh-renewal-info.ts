import type { OpenSession } from '../acme/connection.ts';
import { fetchRenewalInfo, type RenewalInfo } from '../acme/renewal-info.ts';
import { chooseNextLook, isPollDue } from '../certificates/due.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { Clock } from '../runtime/clock.ts';
import { fulfilled, settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';
import { asFailure, Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import {
  adviceAfterAnswer,
  adviceAfterFailure,
  adviceBefore,
  hasMoved,
  nextTickAfter,
} from './refresh-advice.ts';

/** Where a certificate came from, and the CA its policy names, if any. */
export interface Issuer {
  readonly directoryUrl: string;
  readonly firstChoice: string | undefined;
}

/** A session with the CA that issued a certificate; undefined: it is no longer configured for it. */
export type FindSession = (issuer: Issuer, signal: AbortSignal) => Promise<OpenSession | undefined>;

export interface RefreshPorts {
  readonly certificates: Pick<CertificateStore, 'get' | 'recordAdvice'>;
  readonly sessionFor: FindSession;
  readonly clock: Clock;
  readonly random: Random;
}

/** What became of the names; one that was not due, or changed meanwhile, is in no list. */
export interface RefreshResult {
  /** The CA answered, and the answer is on record. */
  readonly refreshed: readonly string[];
  /** Those among them whose window is another one than before. */
  readonly moved: readonly string[];
  /** Those among them with an explanation that was not on record before (RFC 9773, 4.2). */
  readonly explained: readonly { readonly name: string; readonly explanationUrl: string }[];
  readonly failed: readonly { readonly name: string; readonly failure: Failure }[];
  /** Time ran out before they were answered; nothing of them was changed. */
  readonly unreached: readonly string[];
}

const atOnce = 8;

/**
 * Asks the CA of each certificate when to renew it (RFC 9773, 4), and keeps the window, an instant drawn from it
 * and when to ask again; a failed question is counted and kept with its own time. No certificate is asked about
 * before its time, after its expiry, or once it was replaced. One name that fails holds up no other.
 * @throws Failure `store-unavailable`, after everything else was done
 */
export async function refreshRenewalInfo(
  names: readonly string[],
  ports: RefreshPorts,
  signal: AbortSignal,
): Promise<RefreshResult> {
  const ask = createAsk(ports, signal);
  const settled = await settleBounded([...new Set(names)], atOnce, (name) =>
    signal.aborted ? unreached(name) : refresh(name, ports, ask),
  );
  throwFirstFailure(settled);
  const all = fulfilled(settled);
  const answered = all.flatMap((one) => (one.kind === 'answered' ? [one] : []));
  return {
    refreshed: answered.map(({ name }) => name),
    moved: answered.filter(({ moved }) => moved).map(({ name }) => name),
    explained: answered.flatMap(({ name, explanationUrl }) =>
      explanationUrl ? [{ name, explanationUrl }] : [],
    ),
    failed: all.flatMap((one) => (one.kind === 'failed' ? [{ name: one.name, failure: one.failure }] : [])),
    unreached: all.flatMap((one) => (one.kind === 'unreached' ? [one.name] : [])),
  };
}

type Refreshed =
  | {
      readonly kind: 'answered';
      readonly name: string;
      readonly moved: boolean;
      /** Set where it is news. */
      readonly explanationUrl?: string | undefined;
    }
  | { readonly kind: 'failed'; readonly name: string; readonly failure: Failure }
  | { readonly kind: 'unreached'; readonly name: string }
  | { readonly kind: 'passed' };

const unreached = async (name: string): Promise<Refreshed> => ({ kind: 'unreached', name });

type Ask = (
  question: Issuer & { readonly certificateId: string },
) => Promise<RenewalInfo | Failure | 'cut off'>;

async function refresh(name: string, ports: RefreshPorts, ask: Ask): Promise<Refreshed> {
  const { certificates, clock, random } = ports;
  const read = await certificates.get(name);
  const { directoryUrl, certificateId } = read?.current?.issuedBy ?? {};
  const due = read && isPollDue(read, nextTickAfter(clock.now()));
  if (!due || !directoryUrl || !certificateId) return { kind: 'passed' };
  const answer = await ask({ directoryUrl, certificateId, firstChoice: read.policy.ca });
  if (answer === 'cut off') return unreached(name);
  const now = clock.now();
  const before = adviceBefore(certificateId, read.advice, now);
  const advice =
    answer instanceof Failure
      ? adviceAfterFailure(before, answer, { now, random })
      : adviceAfterAnswer(before, answer, { now, random });
  const nextActionAt = chooseNextLook({ ...read, advice });
  if (!(await certificates.recordAdvice({ read, advice, nextActionAt }))) return { kind: 'passed' };
  if (answer instanceof Failure) return { kind: 'failed', name, failure: answer };
  const { explanationUrl } = advice;
  const news = explanationUrl !== before.explanationUrl;
  return {
    kind: 'answered',
    name,
    moved: before.window !== undefined && hasMoved(before, advice),
    ...(news && { explanationUrl }),
  };
}

/**
 * Asks CAs until the time is up. One that could not be reached is not asked again by this invocation: its names
 * share that failure, and the time is left to those of others.
 */
function createAsk({ sessionFor }: RefreshPorts, signal: AbortSignal): Ask {
  const outages = new Map<string, Failure>();
  return async ({ certificateId, ...issuer }) => {
    const { directoryUrl } = issuer;
    const outage = outages.get(directoryUrl);
    if (outage) return outage;
    try {
      const session = await sessionFor(issuer, signal);
      return session ? await fetchRenewalInfo(session, certificateId) : notConfigured(directoryUrl);
    } catch (error) {
      // The end of this invocation says nothing about the CA.
      if (signal.aborted) return 'cut off';
      const failure = asFailure(error);
      // Ours, not the CA's: its requests are paced by a table.
      if (failure.code === 'store-unavailable' || failure.code === 'store-busy') throw failure;
      if (failure.code === 'ca-unreachable' || failure.code === 'ca-untrusted')
        outages.set(directoryUrl, failure);
      return failure;
    }
  };
}

const notConfigured = (directoryUrl: string): Failure =>
  new Failure({
    code: 'ca-not-configured',
    disposition: 'give-up',
    message: `${directoryUrl} is no longer among the CAs of this deployment and is not asked for renewal information; the certificate is renewed at a share of its lifetime, at a CA that is`,
  });
