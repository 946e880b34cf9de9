import { findAuthority } from '../acme/catalogue.ts';
import type { TrackedCertificate } from '../certificates/certificate.ts';
import { findDueReason } from '../certificates/due.ts';
import { fulfilled, settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';
import { Failure } from '../runtime/errors.ts';
import { limitsNameOf } from './authorities.ts';
import { isUnreserved, type Tick, toCandidate } from './candidates.ts';
import {
  type Backlog,
  type Found,
  findOpenRenewal,
  gatherDue,
  lookAtCertificate,
} from './schedule-backlog.ts';
import type { PlanPorts, Selection } from './schedule-ports.ts';

const readsAtOnce = 32;

/**
 * What a tick or a dry run is about: everything due, or what the selection says.
 * @throws Failure `unknown-certificate`, before anything is done
 */
export async function gather(
  tick: Tick,
  { limitPerShard, selection = {} }: { limitPerShard: number; selection?: Selection | undefined },
  ports: PlanPorts,
): Promise<Backlog> {
  const { names, force, ca } = selection;
  const backlog =
    names || force
      ? await gatherSelected(tick, selection, ports)
      : await gatherDue(tick, limitPerShard, ports);
  return ca === undefined ? backlog : keepOfCa(backlog, ca);
}

/**
 * The certificates a person named, or the whole fleet: those of them that are due, or with `force` every one.
 * @throws Failure `unknown-certificate` naming every one that is not tracked, before anything is done
 */
async function gatherSelected(
  tick: Tick,
  { names, force, all, after }: Selection,
  ports: PlanPorts,
): Promise<Backlog> {
  if (force && !all && !names) throw forceNeedsNames();
  const certificates = names
    ? await readNamed(names, ports)
    : await Array.fromAsync(listTracked(after, ports));
  return lookAtAll(certificates, (certificate) => {
    if (force) return lookByForce(certificate, tick, ports);
    const isDue = certificate.nextActionAt <= tick.nextTickAt;
    return isDue ? lookAtCertificate(certificate, tick, ports) : Promise.resolve(undefined);
  });
}

async function lookAtAll(
  certificates: readonly TrackedCertificate[],
  look: (certificate: TrackedCertificate) => Promise<Found | undefined>,
): Promise<Backlog> {
  const results = await settleBounded(certificates, readsAtOnce, look);
  return {
    found: fulfilled(results).filter((found) => found !== undefined),
    failures: results.filter(({ status }) => status === 'rejected'),
    more: false,
  };
}

/** Renewals at one CA alone; what has nothing to do with a CA's limits is left to the tick. */
function keepOfCa({ found, failures }: Backlog, ca: string): Backlog {
  const wanted = findAuthority(ca);
  const limitsName = limitsNameOf(wanted);
  const kept = found.filter((each) => {
    if (each.kind === 'candidate' || each.kind === 'placed') return each.candidate.demand.ca === limitsName;
    return each.kind === 'asleep' && each.open.ca?.directoryUrl === wanted.directoryUrl;
  });
  return { found: kept, failures, more: false };
}

/** Due or not, resting, set aside or paused; what has its share of the limits only has to be woken. */
async function lookByForce(certificate: TrackedCertificate, tick: Tick, ports: PlanPorts): Promise<Found> {
  const open = await findOpenRenewal(certificate, ports);
  if (open && !isUnreserved(open.step)) return { kind: 'asleep', open };
  const reason = findDueReason(certificate, tick) ?? {
    code: 'forced' as const,
    message: 'renewal was asked for by hand',
  };
  const candidate = toCandidate(certificate, reason, {
    now: tick.now,
    preferred: ports.preferred,
    open,
    forced: true,
  });
  return { kind: 'candidate', candidate };
}

async function readNamed(names: readonly string[], { certificates }: PlanPorts) {
  const read = await settleBounded([...new Set(names)], readsAtOnce, async (name) => ({
    name,
    certificate: await certificates.get(name),
  }));
  throwFirstFailure(read);
  const unknown = fulfilled(read).filter(({ certificate }) => certificate?.state !== 'tracked');
  if (unknown.length > 0) throw unknownCertificates(unknown.map(({ name }) => name));
  return fulfilled(read).flatMap(({ certificate }) => certificate ?? []);
}

async function* listTracked(after: string | undefined, { certificates }: PlanPorts) {
  for await (const certificate of certificates.list(after))
    if (certificate.state === 'tracked') yield certificate;
}

/** Few enough for a round to take some seconds and some megabytes. */
const roundSize = 2000;

/** The whole fleet by force, round by round, since it may be larger than memory; `last` is a round's last name. */
export async function* gatherFleet(
  lookAtClock: () => Tick,
  { ca, after }: Selection,
  ports: PlanPorts,
): AsyncGenerator<{ readonly backlog: Backlog; readonly last: string }> {
  let round: TrackedCertificate[] = [];
  const lookAtRound = async () => {
    const backlog = await lookAtAll(round, (certificate) => lookByForce(certificate, lookAtClock(), ports));
    return { backlog: ca === undefined ? backlog : keepOfCa(backlog, ca), last: round.at(-1)?.name ?? '' };
  };
  for await (const certificate of listTracked(after, ports)) {
    round.push(certificate);
    if (round.length < roundSize) continue;
    yield await lookAtRound();
    round = [];
  }
  if (round.length > 0) yield await lookAtRound();
}

const mostListed = 50;

const unknownCertificates = (names: readonly string[]) =>
  new Failure({
    code: 'unknown-certificate',
    disposition: 'give-up',
    message:
      `${names.length} of the names are no tracked certificate: ${names.slice(0, mostListed).join(', ')}` +
      `${names.length > mostListed ? ', …' : ''}; a certificate is named by the first domain of its inventory entry`,
  });

const forceNeedsNames = () =>
  new Failure({
    code: 'invalid-event',
    disposition: 'give-up',
    message: 'force takes either names, or all: true for the whole fleet',
  });
