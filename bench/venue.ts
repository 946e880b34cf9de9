import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDnsServer } from '../local/dns/server.ts';
import { startHttpEndpoint } from '../local/endpoints/http.ts';
import { createDynamoDbAnswerStore } from '../shared/challenges/answers.dynamodb.ts';
import { createMemoryAnswerStore } from '../shared/challenges/answers.memory.ts';
import type { AnswerStore } from '../shared/challenges/answers.ts';
import { answerHttpChallenge } from '../shared/challenges/http-01.ts';
import { type Pebble, startPebble } from '../test/conformance/pebble.ts';

/** What all contenders share: one CA, the endpoint it asks for proofs, and the embedded AWS. */
export interface Venue {
  readonly pebble: Pebble;
  /** Proofs of contenders that tell them by message. */
  readonly answers: AnswerStore;
  /** Proofs of contenders that write files. */
  readonly webroot: string;
  /** For contenders' own files; gone when the venue closes. */
  readonly directory: string;
  readonly cloud: Cloud;
  /** Everything the CA was asked until now stands in its log when this resolves. */
  readLog(): Promise<readonly string[]>;
}

export interface Cloud {
  readonly pid: number;
  /** For a contender that uses it: the environment of renew-certificate. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface VenueOptions {
  /** Percent of good nonces that the CA refuses. */
  readonly nonceReject: number;
  /** What the CA asks for between polls; 0: nothing. */
  readonly retryAfterSeconds: number;
  /** The embedded AWS keeps nothing on disk. */
  readonly forgetful: boolean;
}

/** Starts the venue; what it started is put on `stops`, to be ended from the last to the first. */
export async function openVenue(
  { nonceReject, retryAfterSeconds, forgetful }: VenueOptions,
  stops: (() => Promise<void>)[],
): Promise<Venue> {
  const pebble = await startPebble(
    { PEBBLE_WFE_NONCEREJECT: String(nonceReject), PEBBLE_AUTHZREUSE: '0' },
    { retryAfterSeconds },
  );
  stops.push(pebble.stop);
  const directory = await mkdtemp(join(tmpdir(), 'certfleet-bench-'));
  stops.push(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const webroot = join(directory, 'webroot');
  await mkdir(webroot);
  const cloud = await startCloud({ forgetful }, stops);
  const answers = createMemoryAnswerStore();
  const stored = openStoredAnswers(cloud.environment, stops);
  const { http, dns } = pebble.challengePorts;
  const endpoint = await startHttpEndpoint({
    port: http,
    handler: async ({ path }) => {
      const body = await findAnswer(path, { answers, stored, webroot });
      return { status: body ? 200 : 404, headers: {}, body: body ?? '' };
    },
  });
  stops.push(endpoint.stop);
  const server = await startDnsServer({ port: dns, tsig: { keyName: 'bench', secret: 'YmVuY2g=' } });
  stops.push(server.stop);
  return { pebble, answers, webroot, directory, cloud, readLog: () => readLog(pebble) };
}

async function findAnswer(
  path: string,
  places: { answers: AnswerStore; stored: AnswerStore; webroot: string },
): Promise<string | undefined> {
  for (const store of [places.answers, places.stored]) {
    const answer = await answerHttpChallenge(path, store);
    if (answer.outcome === 'found') return answer.keyAuthorization;
  }
  const file = join(places.webroot, '.well-known', 'acme-challenge', basename(path));
  return readFile(file, 'utf8').catch(() => undefined);
}

async function startCloud(
  { forgetful }: Pick<VenueOptions, 'forgetful'>,
  stops: (() => Promise<void>)[],
): Promise<Cloud> {
  const child = fork(join(import.meta.dirname, 'cloud.ts'), forgetful ? ['--forgetful'] : []);
  stops.push(() => endChild(child));
  const started = once(child, 'message') as Promise<[Record<string, string>]>;
  const ended = once(child, 'exit').then(() => {
    throw new Error('the embedded AWS did not start');
  });
  const [environment] = await Promise.race([started, ended]);
  return { pid: child.pid ?? 0, environment };
}

function openStoredAnswers(
  { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', CHALLENGES_TABLE = '' }: Readonly<Record<string, string>>,
  stops: (() => Promise<void>)[],
): AnswerStore {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ region: 'eu-west-1', endpoint, credentials });
  stops.push(async () => client.destroy());
  return createDynamoDbAnswerStore(DynamoDBDocumentClient.from(client), CHALLENGES_TABLE);
}

const graceMillis = 5000;
const answerMillis = 5000;

/** Ends a forked process by closing its channel, and by force when it does not go. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMillis);
  if (child.connected) child.disconnect();
  await ended;
  clearTimeout(timer);
}

const isMarker = (line: string) => line.includes('HEAD /dir ->');

/** Pebble writes its log before it answers, and a request of a kind nobody else sends marks its end. */
async function readLog({ directoryUrl, rootsFile, log }: Pebble): Promise<readonly string[]> {
  const ca = await readFile(rootsFile, 'utf8');
  const marked = log.filter(isMarker).length;
  await new Promise<void>((resolve, reject) => {
    const headers = { 'User-Agent': 'certfleet-bench' };
    const options = { ca, headers, method: 'HEAD', agent: false, timeout: answerMillis };
    const request = get(directoryUrl, options, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('timeout', () => request.destroy(new Error('Pebble does not answer')));
    request.on('error', reject);
  });
  const giveUpAt = performance.now() + answerMillis;
  while (log.filter(isMarker).length === marked) {
    if (performance.now() > giveUpAt) throw new Error('Pebble does not log what it is asked');
    await new Promise((again) => setTimeout(again, 10));
  }
  return log.filter((line) => !isMarker(line));
}
