import { mapBounded } from '../../runtime/concurrency.ts';
import { nameEndpoint } from '../../verify/endpoint.ts';
import type { TlsObservation } from '../../verify/observation.ts';
import type { Probe } from '../../verify/probe.ts';
import type { ConnectTo } from '../connections/connect-to.ts';
import type { ClientCertificate, TlsPeer } from '../connections/tls-peer.ts';
import type { CheckedCertificate, GateProblem } from './gate.ts';
import { judgePeer } from './judge-peer.ts';
import type { PipelineEnd } from './pipeline-ends.ts';
import type { Revocation } from './revocation.ts';
import type { Roots } from './roots.secrets-manager.ts';

/** For a name's addresses, and for each address's connection and handshake. */
const probeTimeoutMillis = 10_000;
/** Longer than a round trip to the other side of the world. */
const settleMillis = 500;
const leavesAtOnce = 4;

export interface EndVerdict {
  readonly problems: readonly GateProblem[];
  /** This and the peer only where there is no problem. */
  readonly certificate?: CheckedCertificate | undefined;
  readonly peer?: TlsPeer | undefined;
}

export interface EndToCheck extends PipelineEnd {
  readonly client?: ClientCertificate | undefined;
  /** The client's certificate is wanting, so that what a peer says about it is no news. */
  readonly clientFailed: boolean;
  readonly roots: Roots;
}

export interface EndCheck {
  readonly probe: Probe;
  readonly revocation: Revocation;
  readonly connectTo?: ConnectTo | undefined;
  readonly minimumDaysLeft: number;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Looks at every address of an end. @throws the signal's reason when it aborts */
export async function checkEnd(end: EndToCheck, check: EndCheck): Promise<EndVerdict> {
  const { host, port, client, roots } = end;
  const subject = `peer ${nameEndpoint(end)}`;
  if ('problem' in roots)
    return { problems: [{ code: 'certificate-untrusted', subject, message: roots.problem }] };
  const connectTo = check.connectTo?.get(nameEndpoint({ host, port }));
  const terms = { host, port, roots: roots.pem, client, connectTo };
  const observations = await check.probe({
    ...terms,
    upgrade: end.upgrade,
    timeoutMillis: probeTimeoutMillis,
    settleMillis,
    signal: check.signal,
  });
  const counted = countedOf(observations);
  const problems = counted.flatMap((observation) =>
    judgePeer(observation, {
      ...check,
      subject,
      host,
      roots: roots.pem,
      clientCertificate: client !== undefined,
    }),
  );
  const news = withoutRepetition(end.clientFailed ? problems.filter(isNotAboutClients) : problems);
  if (problems.length > 0) return { problems: news };
  return await checkRevocation(counted, { subject, peer: terms, check });
}

async function checkRevocation(
  observations: readonly TlsObservation[],
  end: { subject: string; peer: Omit<TlsPeer, 'fingerprints'>; check: EndCheck },
): Promise<EndVerdict> {
  const { subject, peer, check } = end;
  const reached = observations.filter((observation) => observation.reached);
  const shown = [...new Map(reached.map((each) => [each.leaf.fingerprint, each])).values()];
  const answers = await mapBounded(shown, leavesAtOnce, ({ chain = [] }) =>
    check.revocation({ chain, roots: peer.roots, now: check.now, signal: check.signal }),
  );
  const problems = answers.flatMap((answer): GateProblem[] => {
    if (!('why' in answer)) return [];
    const [code, remedy] =
      answer.state === 'revoked'
        ? ['certificate-revoked', 'its owner must replace it']
        : ['revocation-unknown', 'it is asked again'];
    return [{ code, subject, message: `${peer.host}: ${answer.why}; ${remedy}` }];
  });
  // Addresses may show different leaves; the one that ends first speaks for all.
  const [first] = shown.toSorted((one, other) => one.leaf.notAfter.getTime() - other.leaf.notAfter.getTime());
  if (problems.length > 0) return { problems };
  if (!first)
    return { problems: [{ code: 'peer-unreachable', subject, message: `${peer.host}: nothing was seen` }] };
  const revocation = answers.some(({ state }) => state === 'not-checkable') ? 'not-checkable' : 'good';
  const { fingerprint, notAfter } = first.leaf;
  return {
    problems,
    certificate: { subject, fingerprint, expiresAt: notAfter, revocation },
    peer: { ...peer, fingerprints: shown.map(({ leaf }) => leaf.fingerprint) },
  };
}

/** An address without a route from here is not gone to either, unless there is no other. */
function countedOf(observations: readonly TlsObservation[]): readonly TlsObservation[] {
  const routed = observations.filter((each) => each.reached || each.code !== 'unreachable');
  return routed.length > 0 ? routed : observations;
}

const isNotAboutClients = ({ code }: GateProblem): boolean => !code.startsWith('client-certificate-');

/** Addresses of one name mostly have the same trouble. */
const withoutRepetition = (problems: readonly GateProblem[]): readonly GateProblem[] => [
  ...new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem])).values(),
];
