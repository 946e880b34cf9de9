import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { countPebbleLog } from '../test/conformance/pebble-log.ts';
import type { Assignment, FromContender, Performance, ToContender } from './assignment.ts';
import { type Contender, findProgram } from './contenders.ts';
import { machineCpuMillis, processCpuMillis } from './measure.ts';
import { endChild, type Venue } from './venue.ts';

/** One contender's performance in one round, with what it cost the others. */
export interface Round extends Performance {
  /** Requests the CA got, directory and account not counted. */
  readonly requests: number;
  readonly allRequests: number;
  readonly pebbleCpuMillis: number | undefined;
  readonly cloudCpuMillis: number | undefined;
  /** What the machine spent beside all of these and this process: others at work, and the kernel. */
  readonly foreignCpuMillis: number | undefined;
}

export interface Heat {
  readonly contender: Contender;
  /** Part of every name, so that none is asked for twice. */
  readonly label: string;
  readonly certificates: number;
  readonly concurrency: number;
  readonly budgetMillis: number;
}

const warmUpCertificates = 4;
/** What a contender may take beyond its budget, preparations included. */
const allowanceMillis = 150_000;

/** Lets one contender perform in a process of its own. @throws Error when it cannot take part at all */
export async function runHeat(venue: Venue, heat: Heat): Promise<Round> {
  const { contender, budgetMillis } = heat;
  const scratch = await mkdtemp(join(venue.directory, 'contender-'));
  const child = fork(join(import.meta.dirname, 'peers', contender.file), {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: venue.pebble.rootsFile,
      ...(contender.durable ? venue.cloud.environment : {}),
    },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), budgetMillis + allowanceMillis);
  try {
    const conversation = converse(child, venue);
    await conversation({ kind: 'prepare', assignment: assign(venue, heat, scratch) });
    const before = await observe(venue);
    const reply = await conversation({ kind: 'go' });
    const after = await observe(venue);
    if (reply.kind !== 'done') throw new Error(`${contender.name} answered out of turn: ${reply.kind}`);
    const [pebbleCpuMillis, cloudCpuMillis, benchCpuMillis, machineMillis] = after.cpuMillis.map(
      (millis, index) => difference(before.cpuMillis[index], millis),
    );
    const { performance } = reply;
    const known = [pebbleCpuMillis, cloudCpuMillis, benchCpuMillis, performance.cpuMillis];
    const counts = countPebbleLog(after.log.slice(before.log.length));
    return {
      ...performance,
      requests: counts.certificateRequests,
      allRequests: Object.values(counts.requests).reduce((sum, count) => sum + count, 0),
      pebbleCpuMillis,
      cloudCpuMillis,
      foreignCpuMillis: known.reduce<number | undefined>(
        (rest, millis) => rest && Math.max(0, rest - (millis ?? 0)),
        machineMillis,
      ),
    };
  } finally {
    clearTimeout(timer);
    await endChild(child);
    await rm(scratch, { recursive: true, force: true });
  }
}

function assign(venue: Venue, heat: Heat, scratch: string): Assignment {
  const { contender, label, certificates, concurrency, budgetMillis } = heat;
  const namesFrom = (kind: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${kind}${index}.${label}.example.com`);
  return {
    directoryUrl: venue.pebble.directoryUrl,
    rootsFile: venue.pebble.rootsFile,
    // A program begins anew with every certificate; one registers its account.
    warmUpNames: namesFrom('warm', contender.program ? 1 : warmUpCertificates),
    names: namesFrom('c', certificates),
    concurrency,
    budgetMillis,
    webroot: venue.webroot,
    scratch,
    program: contender.program && findProgram(contender.program, process.env),
  };
}

/** Sends a command and waits for its reply, while the contender's proofs are shown and withdrawn. */
function converse(child: ChildProcess, { answers }: Venue) {
  const expiresAt = new Date(8.64e15);
  return (command: ToContender) =>
    new Promise<FromContender>((resolve, reject) => {
      const onExit = () => reject(new Error(`its process ended (${child.signalCode ?? child.exitCode})`));
      const onMessage = async (message: FromContender) => {
        if (message.kind === 'show') await answers.put({ ...message.proof, expiresAt });
        if (message.kind === 'withdraw') await answers.remove(message.proof);
        if ('id' in message)
          return child.send({ kind: 'proof-handled', id: message.id } satisfies ToContender);
        child.off('exit', onExit).off('message', onMessage);
        return message.kind === 'failed' ? reject(new Error(message.problem)) : resolve(message);
      };
      child.on('exit', onExit).on('message', onMessage);
      child.send(command);
    });
}

async function observe(venue: Venue) {
  return {
    log: await venue.readLog(),
    cpuMillis: [
      processCpuMillis(venue.pebble.pid),
      processCpuMillis(venue.cloud.pid),
      processCpuMillis(process.pid),
      machineCpuMillis(),
    ],
  };
}

const difference = (before: number | undefined, after: number | undefined) =>
  before === undefined || after === undefined ? undefined : after - before;
