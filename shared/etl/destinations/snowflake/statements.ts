import { createHash, type KeyObject } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import { answerFailure, refusedWork } from '../warehouse/answer-failure.ts';
import { markerFailure } from '../warehouse/destination.ts';
import { findMarker } from '../warehouse/dialect.ts';
import type { HttpsAnswer, HttpsExchange } from '../warehouse/exchange.https.ts';
import type { SqlRow } from '../warehouse/ledger-sql.ts';
import { pollUntil } from '../warehouse/poll.ts';
import { publicKeyDer, signJwt } from '../warehouse/signed-jwt.ts';

export interface SnowflakePlace {
  readonly account: string;
  readonly user: string;
  readonly warehouse: string;
  readonly database: string;
  readonly schema: string;
}

export interface SnowflakeOptions {
  readonly exchange: HttpsExchange;
  readonly place: SnowflakePlace;
  readonly key: KeyObject;
  readonly clock: Clock;
  readonly limitMillis: number;
}

export interface SnowflakeRequest {
  readonly statements: readonly string[];
  /** A UUID: sent again with `retry=true`, the request is executed once. */
  readonly requestId?: string | undefined;
  readonly signal: AbortSignal;
}

/** An answer comes within 45 seconds, with the result or a handle to ask for it with. */
const requestTimeoutMillis = 60_000;
const jwtSeconds = 600;

interface StatementAnswer {
  readonly statementHandle?: unknown;
  readonly statementHandles?: unknown;
  readonly data?: unknown;
  readonly message?: unknown;
  readonly sqlState?: unknown;
}

/** Runs statements through Snowflake's SQL API: docs.snowflake.com/en/developer-guide/sql-api/reference. */
export class SnowflakeStatements {
  readonly #options: SnowflakeOptions;

  constructor(options: SnowflakeOptions) {
    this.#options = options;
  }

  /** The rows of the last statement. */
  async run({ statements, requestId, signal }: SnowflakeRequest): Promise<readonly SqlRow[]> {
    const { warehouse, database, schema } = this.#options.place;
    const several = statements.length > 1;
    const body = {
      statement: statements.join(';\n'),
      timeout: Math.ceil(this.#options.limitMillis / 1000),
      database,
      schema,
      warehouse,
      ...(several ? { parameters: { MULTI_STATEMENT_COUNT: String(statements.length) } } : {}),
    };
    const query = requestId === undefined ? '' : `?requestId=${requestId}&retry=true`;
    const first = await this.#send('POST', `/api/v2/statements${query}`, { body, signal });
    const done = await this.#await(first, signal);
    if (!several) return rowsOf(done);
    // Of several statements the answer names the handles alone (submitting-multiple-statements).
    const handles = Array.isArray(done.statementHandles) ? done.statementHandles : [];
    return rowsOf(await this.#look(String(handles.at(-1)), signal));
  }

  async #await(answer: HttpsAnswer, signal: AbortSignal): Promise<StatementAnswer> {
    const ended = this.#judge(answer);
    if (ended) return ended;
    const handle = String((answer.json as StatementAnswer | undefined)?.statementHandle);
    return this.#look(handle, signal);
  }

  #look(handle: string, signal: AbortSignal): Promise<StatementAnswer> {
    const { clock, limitMillis } = this.#options;
    const path = `/api/v2/statements/${encodeURIComponent(handle)}`;
    const look = async () => this.#judge(await this.#send('GET', path, { signal }));
    return pollUntil(look, { clock, signal, limitMillis, what: `statement ${handle} at Snowflake` });
  }

  /** 200 done, 202 not yet, 408 and 422 ended without success; `undefined`: not yet. */
  #judge(answer: HttpsAnswer): StatementAnswer | undefined {
    const said: StatementAnswer = typeof answer.json === 'object' && answer.json !== null ? answer.json : {};
    if (answer.status === 200) return said;
    if (answer.status === 202) return undefined;
    const id = `statement ${String(said.statementHandle ?? 'without a handle')}`;
    if (answer.status === 408) throw refusedWork('Snowflake', { id, isPassing: true });
    if (answer.status !== 422) throw answerFailure('Snowflake', answer);
    const marker = findMarker(String(said.message));
    if (marker) throw markerFailure(marker, 'Snowflake');
    // 57014: cancelled; class 40: rolled back by another one's transaction.
    throw refusedWork('Snowflake', { id, isPassing: /^(57014|40...)$/.test(String(said.sqlState)) });
  }

  #send(method: 'GET' | 'POST', path: string, { body, signal }: { body?: object; signal: AbortSignal }) {
    const headers = {
      Authorization: `Bearer ${this.#token()}`,
      'X-Snowflake-Authorization-Token-Type': 'KEYPAIR_JWT',
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    };
    const bytes = body && Buffer.from(JSON.stringify(body), 'utf8');
    return this.#options.exchange.send({
      ...{ method, path, headers, body: bytes },
      ...{ timeoutMillis: requestTimeoutMillis, signal },
    });
  }

  /** docs.snowflake.com/en/developer-guide/sql-api/authenticating: key-pair authentication. */
  #token(): string {
    const { key, place, clock } = this.#options;
    const account = accountName(place.account);
    const subject = `${account}.${place.user.toUpperCase()}`;
    const fingerprint = createHash('sha256').update(publicKeyDer(key)).digest('base64');
    const iat = Math.floor(clock.now().getTime() / 1000);
    const claims = { iss: `${subject}.SHA256:${fingerprint}`, sub: subject, iat, exp: iat + jwtSeconds };
    return signJwt(key, { claims });
  }
}

/** Without the region that follows a locator, in capitals. */
const accountName = (account: string): string => (account.split('.')[0] ?? account).toUpperCase();

function rowsOf({ data }: StatementAnswer): readonly SqlRow[] {
  if (!Array.isArray(data)) return [];
  return data.map((row: unknown) =>
    Array.isArray(row) ? row.map((cell: unknown) => (cell === null ? null : String(cell))) : [],
  );
}
