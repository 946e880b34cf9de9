import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'vitest';
import type { TlsPeer } from '../../../../../shared/etl/connections/tls-peer.ts';
import type { RecordReading } from '../../../../../shared/etl/records/reading.ts';
import {
  createHttpsSource,
  type HttpsSourceLimits,
} from '../../../../../shared/etl/sources/https/https-source.ts';
import type { HttpsDefinition } from '../../../../../shared/etl/sources/https/pagination.ts';
import { Failure } from '../../../../../shared/runtime/errors.ts';
import { createFakeClock } from '../../../../support/fake-clock.ts';
import { startTlsPeer } from '../../../../support/tls-peers.ts';

/** Must turn up in no failure: credentials, and what a server may put into its answers. */
export const planted = {
  apiKey: 'planted-api-key-0815',
  clientSecret: 'planted+client/secret 0815',
  token: 'planted-access-token-0815',
  query: 'planted-query-0815',
  body: 'planted-body-0815@values.example.com',
};

export const apiUrl = `https://peer.example.com/rows?static=${planted.query}`;
export const window = { from: new Date('2026-11-22T10:00:00Z'), to: new Date('2026-11-22T11:00:00Z') };

export const aDefinition = (part: Partial<HttpsDefinition> = {}): HttpsDefinition => ({
  type: 'https',
  url: apiUrl,
  auth: { type: 'api-key', header: 'X-Api-Key', secret: 'etl/key' },
  format: { type: 'ndjson' },
  ...part,
});

export interface ReadOptions {
  readonly definition?: Partial<HttpsDefinition>;
  readonly tokenPeer?: TlsPeer;
  readonly secret?: string;
  readonly limits?: HttpsSourceLimits;
  readonly checkpoint?: string;
  readonly signal?: AbortSignal;
}

export interface Outcome {
  readonly readings: readonly RecordReading[];
  readonly rows: readonly unknown[];
  readonly checkpoints: readonly string[];
  readonly failure: Failure | undefined;
  readonly sleptMillis: readonly number[];
}

/** Reads the whole window from `peer`; every failure is searched for what was planted. */
export async function readFrom(peer: TlsPeer, options: ReadOptions = {}): Promise<Outcome> {
  const clock = createFakeClock(window.to);
  const readings: RecordReading[] = [];
  const checkpoints: string[] = [];
  let failure: Failure | undefined;
  const source = createHttpsSource({
    definition: aDefinition(options.definition),
    peer,
    tokenPeer: options.tokenPeer,
    secret: options.secret ?? planted.apiKey,
    clock,
    random: () => 0,
    limits: options.limits,
  });
  try {
    const signal = options.signal ?? new AbortController().signal;
    for (const slice of await source.plan(window, signal)) {
      for await (const batch of source.read({
        chunkId: 'c',
        slice,
        signal,
        checkpoint: options.checkpoint,
      })) {
        readings.push(...batch.readings);
        if (batch.checkpoint !== undefined) checkpoints.push(batch.checkpoint);
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
    expectNothingPlanted(error);
  } finally {
    await source.close();
  }
  const rows = readings.map((reading) =>
    reading.kind === 'record' ? { ...reading.record.row } : reading.kind,
  );
  return { readings, rows, checkpoints, failure, sleptMillis: clock.slept };
}

/** The failure with its causes and stack, as a careless logger would write it. */
export function expectNothingPlanted(failure: Failure): void {
  let told = '';
  for (let each: unknown = failure; each instanceof Error; each = each.cause) {
    told += `${each.message}\n${each.stack}\n${JSON.stringify(Object.values(each))}\n`;
  }
  expect(Object.values(planted).filter((text) => told.includes(text))).toEqual([]);
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Reads from a healthy server that answers as `handler` does; `count` is the number of the request from 1. */
export async function readWith(handler: Handler, options: ReadOptions = {}): Promise<Outcome> {
  let count = 0;
  const server = await startTlsPeer('good', {
    onRequest: (request, response) => {
      count += 1;
      handler(request, response, count);
    },
  });
  try {
    return await readFrom(server.peer, options);
  } finally {
    await server.stop();
  }
}

/** Answers `body` whole, with its length. */
export function answer(
  response: ServerResponse,
  body: string | Uint8Array,
  headers: Record<string, string | string[]> = {},
): void {
  const bytes = Buffer.from(body);
  response.writeHead(200, { 'content-length': bytes.length, ...headers }).end(bytes);
}
