import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { type IssueWorld, startProofServers } from '../support/issue-world.ts';
import type { Pebble } from './pebble.ts';

/** A Pebble with the servers it asks for proofs. */
export async function openPebbleWorld(pebble: Pebble, answers?: AnswerStore): Promise<IssueWorld> {
  const { http, dns } = pebble.challengePorts;
  const servers = await startProofServers({
    httpPort: http,
    dnsPort: dns,
    ...(answers === undefined ? {} : { answers }),
  });
  return {
    ...servers,
    directoryUrl: pebble.directoryUrl,
    rootPem: await readFile(pebble.rootsFile, 'utf8'),
  };
}

const isMarker = (line: string) => line.includes('HEAD /dir ->');

/** Pebble's log up to now: it writes before it answers, and a request that nobody else sends marks the end. */
export async function readWholeLog({ directoryUrl, rootsFile, log }: Pebble): Promise<readonly string[]> {
  const ca = await readFile(rootsFile, 'utf8');
  const before = log.filter(isMarker).length;
  await new Promise<void>((resolve, reject) => {
    // Pebble turns a request without a user agent away before its log (RFC 8555, 6.1).
    const headers = { 'User-Agent': 'certfleet-conformance' };
    const options = { ca, headers, method: 'HEAD', agent: false, timeout: 5000 } as const;
    const request = get(directoryUrl, options, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    request.on('timeout', () => request.destroy(new Error('Pebble does not answer')));
    request.on('error', reject);
  });
  while (log.filter(isMarker).length <= before) await new Promise((again) => setTimeout(again, 10));
  return log.filter((line) => !isMarker(line));
}
