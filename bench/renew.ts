import { availableParallelism } from 'node:os';
import { type Contender, durable, findProgram, memory, peers, yardstick } from './contenders.ts';
import { type Round, runHeat } from './contest.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { type Standing, summarizeRounds } from './standing.ts';
import { renderTable } from './table.ts';
import { openVenue, type Venue } from './venue.ts';

/** No contender begins a certificate later than this after the start of its round. */
const budgetMillis = 30_000;

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(options: BenchOptions): Promise<number> {
  const wanted = peers.filter(({ name }) => options.peers.includes(name));
  const missing = wanted.filter(({ program }) => program && !findProgram(program, process.env));
  for (const { name, program } of missing)
    say(`${name} is left out: no ${program?.name} on PATH, and ${program?.variable} names none`);
  const contenders = [memory, durable, ...wanted.filter((contender) => !missing.includes(contender))];
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(130)));
  try {
    const venue = await openVenue(options, stops);
    const rounds = await runRounds(venue, { contenders, options });
    const standings = contenders.map(({ name }) => summarizeRounds(name, rounds.get(name) ?? []));
    report(standings, { options, missing: missing.map(({ name }) => name) });
    const ours = standings.filter(({ name }) => name === memory.name || name === durable.name);
    return ours.every(({ failures, renewed }) => failures.length === 0 && renewed > 0) ? 0 : 1;
  } finally {
    await stop();
  }
}

/** Every round has all contenders, each time beginning with another: what comes later finds a warmer machine. */
async function runRounds(
  venue: Venue,
  { contenders, options }: { contenders: readonly Contender[]; options: BenchOptions },
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const rounds = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(place + round) % contenders.length];
      if (!contender) continue;
      try {
        const label = `r${round}-${contender.file.replace('.ts', '')}`;
        const { certificates, concurrency } = options;
        const result = await runHeat(venue, { contender, label, certificates, concurrency, budgetMillis });
        rounds.get(contender.name)?.push(result);
        const each = (result.elapsedMillis / result.renewed).toFixed(1);
        say(`round ${round + 1}: ${contender.name} renewed ${result.renewed} certificates, ${each} ms each`);
      } catch (error) {
        say(`round ${round + 1}: ${contender.name} could not take part: ${(error as Error).message}`);
      }
    }
  }
  return rounds;
}

function report(
  standings: readonly Standing[],
  { options, missing }: { options: BenchOptions; missing: readonly string[] },
): void {
  for (const { name, failures } of standings)
    if (failures.length > 0) say(`${name}: ${failures.length} failed, the first: ${failures[0]}`);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(toJson(standings, { options, missing }), null, 2)}\n`);
    return;
  }
  const { certificates, concurrency, rounds, nonceReject, retryAfterSeconds } = options;
  process.stdout.write(
    `\n${certificates} certificates with one name each, ${concurrency} at once, medians of ${rounds} rounds; ` +
      `${nonceReject} % of nonces refused, Retry-After ${retryAfterSeconds || 'not sent'}, ${availableParallelism()} cores.\n` +
      `Per certificate, in parentheses the ratio to ${yardstick}; requests without directory and account.\n\n` +
      `${renderTable(
        standings,
        standings.find(({ name }) => name === yardstick),
      )}\n`,
  );
}

function toJson(
  standings: readonly Standing[],
  { options, missing }: { options: BenchOptions; missing: readonly string[] },
) {
  const find = (name: string) => standings.find((standing) => standing.name === name);
  const { name: _, ...ours } = find(memory.name) ?? summarizeRounds(memory.name, []);
  const { name: _name, ...stored } = find(durable.name) ?? summarizeRounds(durable.name, []);
  const others = standings.filter(({ name }) => options.peers.includes(name));
  return {
    ...ours,
    durableCertificatesPerSecond: stored.certificatesPerSecond,
    peers: Object.fromEntries(others.map(({ name, ...figures }) => [name, figures])),
    durable: stored,
    missing,
    options,
  };
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(usage);
  else process.exitCode = await main(options);
} catch (error) {
  say((error as Error).message);
  process.exitCode = 2;
}
