import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  type DescribeStatementCommandOutput,
  ExecuteStatementCommand,
  type Field,
  GetStatementResultCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import { markerFailure } from '../warehouse/destination.ts';
import { findMarker } from '../warehouse/dialect.ts';
import type { SqlRow } from '../warehouse/ledger-sql.ts';
import { pollUntil } from '../warehouse/poll.ts';
import { redshiftFailure } from './failures.ts';

export const createRedshiftData = (): RedshiftDataClient =>
  new RedshiftDataClient({
    maxAttempts: 4,
    requestHandler: { requestTimeout: 10_000, throwOnRequestTimeout: true, connectionTimeout: 2_000 },
  });

/** Where statements run: a serverless workgroup, or a cluster. */
export interface RedshiftPlace {
  readonly workgroup?: string | undefined;
  readonly cluster?: string | undefined;
  readonly database: string;
  readonly secretArn?: string | undefined;
}

export interface StatementRequest {
  /** More than one are one transaction (BatchExecuteStatement: 40 at most). */
  readonly statements: readonly string[];
  /** 64 characters at most; sent again within hours, the request is the same one. */
  readonly clientToken?: string | undefined;
  readonly signal: AbortSignal;
}

/** Answers are a handful of rows; a page holds up to 100 MB. */
const mostResultPages = 4;

/**
 * Runs statements through the Redshift Data API and waits for them: docs.aws.amazon.com/redshift-data/latest/APIReference.
 * Errors of the database are told by the id of the statement, never by their text, which may quote rows.
 */
export class RedshiftStatements {
  readonly #client: Pick<RedshiftDataClient, 'send'>;
  readonly #place: RedshiftPlace;
  readonly #clock: Clock;
  readonly #limitMillis: number;

  constructor(options: {
    client: Pick<RedshiftDataClient, 'send'>;
    place: RedshiftPlace;
    clock: Clock;
    limitMillis: number;
  }) {
    this.#client = options.client;
    this.#place = options.place;
    this.#clock = options.clock;
    this.#limitMillis = options.limitMillis;
  }

  /** The rows of the last statement, none where it has no result. */
  async run(request: StatementRequest): Promise<readonly SqlRow[]> {
    const { signal } = request;
    const id = await this.#submit(request);
    const done = await pollUntil(() => this.#describe(id, signal), {
      clock: this.#clock,
      signal,
      limitMillis: this.#limitMillis,
      what: `statement ${id} at Redshift`,
    });
    const last = done.SubStatements?.at(-1) ?? done;
    return last.HasResultSet && last.Id ? this.#readRows(last.Id, signal) : [];
  }

  async #submit({ statements, clientToken, signal }: StatementRequest): Promise<string> {
    const { workgroup, cluster, database, secretArn } = this.#place;
    const where = {
      Database: database,
      ...(workgroup ? { WorkgroupName: workgroup } : {}),
      ...(cluster ? { ClusterIdentifier: cluster } : {}),
      ...(secretArn ? { SecretArn: secretArn } : {}),
      ...(clientToken ? { ClientToken: clientToken } : {}),
    };
    const [first, ...others] = statements;
    return this.#ask(async (options) => {
      const answer =
        others.length === 0
          ? await this.#client.send(new ExecuteStatementCommand({ ...where, Sql: first }), options)
          : await this.#client.send(
              new BatchExecuteStatementCommand({ ...where, Sqls: [...statements] }),
              options,
            );
      return answer.Id ?? '';
    }, signal);
  }

  async #describe(id: string, signal: AbortSignal): Promise<DescribeStatementCommandOutput | undefined> {
    const answer = await this.#ask(
      (options) => this.#client.send(new DescribeStatementCommand({ Id: id }), options),
      signal,
    );
    if (answer.Status === 'FINISHED') return answer;
    if (answer.Status === 'FAILED' || answer.Status === 'ABORTED') throw refused(id, answer);
    return undefined;
  }

  async #readRows(id: string, signal: AbortSignal): Promise<readonly SqlRow[]> {
    const rows: SqlRow[] = [];
    let next: string | undefined;
    for (let page = 0; page < mostResultPages; page += 1) {
      const token = next === undefined ? {} : { NextToken: next };
      const answer = await this.#ask(
        (options) => this.#client.send(new GetStatementResultCommand({ Id: id, ...token }), options),
        signal,
      );
      for (const record of answer.Records ?? []) rows.push(record.map(cellText));
      next = answer.NextToken;
      if (!next) break;
    }
    return rows;
  }

  async #ask<Answer>(send: (options: { abortSignal: AbortSignal }) => Promise<Answer>, signal: AbortSignal) {
    try {
      return await send({ abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      throw redshiftFailure(error);
    }
  }
}

function cellText(field: Field): string | null {
  if (field.isNull) return null;
  const value = field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue;
  return value === undefined ? null : String(value);
}

/** By the words Redshift has for them: what another session or a passing trouble ended can be run again. */
const passing =
  /serializable isolation violation|deadlock detected|already exists|out of memory|connection|timed? ?out|cancell?ed/i;

function refused(
  id: string,
  { Status, Error: text = '', SubStatements = [] }: DescribeStatementCommandOutput,
) {
  const marker = findMarker(text);
  if (marker) return markerFailure(marker, 'Redshift');
  const failed = SubStatements.findIndex((each) => each.Status === 'FAILED');
  const which = failed === -1 ? '' : `, number ${failed + 1} of ${SubStatements.length}`;
  const isPassing = Status === 'ABORTED' || passing.test(text);
  return new Failure({
    code: isPassing ? 'target-interrupted' : 'target-refused-load',
    disposition: isPassing ? 'retry' : 'give-up',
    message: `Redshift ended statement ${id}${which} (${Status}); DescribeStatement and SYS_LOAD_ERROR_DETAIL say why`,
  });
}
