import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import { answerFailure, refusedWork } from '../warehouse/answer-failure.ts';
import { markerFailure } from '../warehouse/destination.ts';
import { findMarker } from '../warehouse/dialect.ts';
import type { HttpsAnswer, HttpsExchange } from '../warehouse/exchange.https.ts';
import type { SqlRow } from '../warehouse/ledger-sql.ts';
import { pollUntil } from '../warehouse/poll.ts';
import { signJwt } from '../warehouse/signed-jwt.ts';

export interface ServiceAccount {
  readonly email: string;
  readonly keyId?: string | undefined;
  readonly key: KeyObject;
}

export interface BigQueryOptions {
  readonly exchange: HttpsExchange;
  readonly project: string;
  readonly location: string;
  readonly account: ServiceAccount;
  readonly clock: Clock;
  readonly limitMillis: number;
}

export interface QueryJob {
  readonly statements: readonly string[];
  /** Sent again, the job is the same one; BigQuery makes one up where it is absent. */
  readonly jobId?: string | undefined;
  readonly signal: AbortSignal;
}

export interface LoadJob {
  readonly jobId: string;
  /** Of the `load` configuration: cloud.google.com/bigquery/docs/reference/rest/v2/Job#jobconfigurationload. */
  readonly load: object;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

const requestTimeoutMillis = 30_000;
const uploadTimeoutMillis = 300_000;
const jwtSeconds = 3_600;
const boundary = 'certfleet-part';

/** Reasons after which the same work may succeed: cloud.google.com/bigquery/docs/error-messages. */
const passingReasons = new Set([
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'rateLimitExceeded',
  'stopped',
  'timeout',
]);

interface Job {
  readonly jobReference?: { readonly jobId?: string };
  readonly status?: {
    readonly state?: string;
    readonly errorResult?: { readonly reason?: string; readonly message?: string };
  };
}

interface QueryResults {
  readonly rows?: readonly { readonly f?: readonly { readonly v?: unknown }[] }[];
}

/** Runs jobs through BigQuery's REST API: cloud.google.com/bigquery/docs/reference/rest/v2/jobs. */
export class BigQueryJobs {
  readonly #options: BigQueryOptions;

  constructor(options: BigQueryOptions) {
    this.#options = options;
  }

  /** One script; the rows of its last statement. */
  async query({ statements, jobId, signal }: QueryJob): Promise<readonly SqlRow[]> {
    const configuration = { query: { query: `${statements.join(';\n')};`, useLegacySql: false } };
    const job = { jobReference: this.#reference(jobId), configuration };
    const body = Buffer.from(JSON.stringify(job), 'utf8');
    const answer = await this.#send({ path: this.#path(), contentType: 'application/json', body, signal });
    const done = await this.#await(answer, { jobId, signal });
    const results = await this.#send({ path: this.#path(`/queries/${done}`), signal });
    if (results.status !== 200) throw answerFailure('BigQuery', results);
    return rowsOf((results.json ?? {}) as QueryResults);
  }

  /** A file sent along with its job: cloud.google.com/bigquery/docs/reference/api-uploads, multipart. */
  async load({ jobId, load, body, signal }: LoadJob): Promise<void> {
    const job = { jobReference: this.#reference(jobId), configuration: { load } };
    const head =
      `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n` +
      `--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const answer = await this.#send({
      path: `/upload${this.#path()}?uploadType=multipart`,
      contentType: `multipart/related; boundary=${boundary}`,
      body: Buffer.concat([Buffer.from(head, 'utf8'), body, Buffer.from(`\r\n--${boundary}--\r\n`)]),
      signal,
    });
    await this.#await(answer, { jobId, signal });
  }

  /** The id of a job once it has succeeded. 409: a request before this one has made it. */
  async #await(answer: HttpsAnswer, { jobId, signal }: { jobId: string | undefined; signal: AbortSignal }) {
    if (answer.status !== 200 && answer.status !== 409) throw answerFailure('BigQuery', answer);
    const made = answer.status === 200 ? (answer.json as Job | undefined)?.jobReference?.jobId : jobId;
    const id = encodeURIComponent(made ?? jobId ?? '');
    if (answer.status === 200 && judge(answer.json as Job | undefined)) return id;
    const { clock, limitMillis } = this.#options;
    const look = async () => {
      const seen = await this.#send({ path: this.#path(`/jobs/${id}`), signal });
      if (seen.status !== 200) throw answerFailure('BigQuery', seen);
      return judge(seen.json as Job | undefined);
    };
    await pollUntil(look, { clock, signal, limitMillis, what: `job ${id} at BigQuery` });
    return id;
  }

  #reference(jobId: string | undefined) {
    const { project, location } = this.#options;
    return { projectId: project, location, ...(jobId === undefined ? {} : { jobId }) };
  }

  #path(of = '/jobs'): string {
    const { project, location } = this.#options;
    const query = of === '/jobs' ? '' : `?location=${encodeURIComponent(location)}`;
    return `/bigquery/v2/projects/${encodeURIComponent(project)}${of}${query}`;
  }

  #send(request: { path: string; contentType?: string; body?: Uint8Array; signal: AbortSignal }) {
    const { path, contentType, body, signal } = request;
    return this.#options.exchange.send({
      method: body ? 'POST' : 'GET',
      path,
      headers: {
        Authorization: `Bearer ${this.#token()}`,
        ...(contentType ? { 'Content-Type': contentType } : {}),
      },
      body,
      timeoutMillis: contentType?.startsWith('multipart') ? uploadTimeoutMillis : requestTimeoutMillis,
      signal,
    });
  }

  /**
   * A token that the service account signs for the service itself, so that no third party is asked for one:
   * developers.google.com/identity/protocols/oauth2/service-account, "Service account authorization without OAuth".
   */
  #token(): string {
    const { account, clock } = this.#options;
    const iat = Math.floor(clock.now().getTime() / 1000);
    const { email, keyId } = account;
    const aud = 'https://bigquery.googleapis.com/';
    const claims = { iss: email, sub: email, aud, iat, exp: iat + jwtSeconds };
    return signJwt(account.key, { claims, ...(keyId === undefined ? {} : { header: { kid: keyId } }) });
  }
}

/** True once it has succeeded, undefined before it has ended. */
function judge(job: Job | undefined): true | undefined {
  if (job?.status?.state !== 'DONE') return undefined;
  const { errorResult } = job.status;
  if (!errorResult) return true;
  const marker = findMarker(String(errorResult.message));
  if (marker) throw markerFailure(marker, 'BigQuery');
  const isPassing = passingReasons.has(String(errorResult.reason));
  throw refusedWork('BigQuery', { id: `job ${job.jobReference?.jobId ?? ''}`, isPassing });
}

const rowsOf = ({ rows = [] }: QueryResults): readonly SqlRow[] =>
  rows.map(({ f = [] }) => f.map(({ v }) => (v === null || v === undefined ? null : String(v))));
