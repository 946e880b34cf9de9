import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Query } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import { Failure } from '../../runtime/errors.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import { type PostgresOptions, type Purpose, Session } from './session.postgresql.ts';

/** What the server itself says of the connection (view pg_stat_ssl). */
export interface ServerTls {
  readonly version: string;
  readonly cipher: string;
  readonly bits: number;
  /** Of the client certificate, where one was presented. */
  readonly clientDn?: string | undefined;
}

/** As the server wrote them, in the order of the columns. */
export type TextRow = readonly (string | null)[];

/** One session. Every failure is a Failure without values; after one the connection is of no more use. */
export class PostgresConnection {
  readonly tls: ServerTls;
  readonly #session: Session;

  constructor(session: Session, tls: ServerTls) {
    this.#session = session;
    this.tls = tls;
  }

  /** A statement whose answer is known to be small. */
  async query(text: string, values: readonly unknown[], purpose: Purpose): Promise<readonly TextRow[]> {
    return (await this.#session.query(text, values, purpose)).rows;
  }

  /** Runs `work` in a transaction of its own; what fails in it is undone as the connection ends. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    const purpose = { during: 'opening a transaction' };
    await this.#session.query('BEGIN ISOLATION LEVEL READ COMMITTED', [], purpose);
    const result = await work();
    await this.#session.query('COMMIT', [], { during: 'committing' });
    return result;
  }

  /** Someone's own SQL: rows it answers are dropped as they come. It must leave the transaction it runs in open. */
  async runScript(sql: string, purpose: Purpose): Promise<void> {
    const session = this.#session;
    await session.run(purpose, async () => {
      const query = new Query({ text: sql });
      // With a listener and no callback the driver keeps no rows.
      query.on('row', () => undefined);
      await new Promise<void>((resolve, reject) => {
        query.on('end', () => resolve());
        query.on('error', reject);
        session.client.query(query);
      });
    });
    if (session.isInTransaction) return;
    throw new Failure({
      code: 'statement-ended-transaction',
      disposition: 'give-up',
      message: `${purpose.during}: the SQL ends its transaction; leave COMMIT and ROLLBACK out`,
    });
  }

  /** Sends `COPY … FROM STDIN`; answers the rows that the server counted. */
  async copyIn(text: string, chunks: AsyncIterable<Buffer>, purpose: Purpose): Promise<number> {
    const session = this.#session;
    // The driver tells the server why rows end, and the server its log: it is told this.
    const unreadable = new Error('the rows could not be read');
    let reason: unknown;
    async function* guarded() {
      try {
        yield* chunks;
      } catch (error) {
        reason = error;
        throw unreadable;
      }
    }
    let isReading = false;
    try {
      return await session.run(purpose, async () => {
        const copy = session.client.query(copyFrom(text));
        const rows = Readable.from(guarded(), { objectMode: true, highWaterMark: 1 });
        await pipeline(rows, copy).catch((error) => {
          // A server that broke off ends the reading with its own error, which must be translated.
          isReading = error === unreadable;
          throw error;
        });
        return copy.rowCount;
      });
    } catch (error) {
      throw isReading ? reason : error;
    }
  }

  /** Reads an answer of any size; ask for as many rows as fit into memory. Empty at the end. */
  openCursor(text: string, values: readonly unknown[], purpose: Purpose) {
    const session = this.#session;
    const cursor = session.client.query(
      new Cursor<TextRow>(text, [...values], { rowMode: 'array', types: { getTypeParser: () => same } }),
    );
    return { read: (rows: number) => session.run(purpose, () => cursor.read(rows)) };
  }

  /** Says goodbye, or hangs up where that takes too long. */
  async close(): Promise<void> {
    await this.#session.close();
  }
}

const same = (text: string) => text;

/**
 * Connects over TLS to a checked peer and has the server confirm that.
 * @throws Failure of `postgresFailure` and `tlsFailure`; `tls-not-proven`; `postgres-login-malformed`
 */
export async function connectPostgres(options: PostgresOptions): Promise<PostgresConnection> {
  options.signal.throwIfAborted();
  const session = new Session(options);
  try {
    await session.connect();
    return new PostgresConnection(session, await settle(session, options));
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/**
 * Sets what is true of every session, after startup since poolers refuse parameters they do not know; and reads
 * what the server knows of the connection. Keep-alive frees what a frozen client holds.
 */
async function settle(session: Session, options: PostgresOptions): Promise<ServerTls> {
  const text = `SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),
    set_config('idle_in_transaction_session_timeout', $2, false), set_config('tcp_keepalives_idle', '30', false),
    s.version, s.cipher, s.bits::text, s.client_dn
    FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid() AND s.ssl`;
  const values = [String(options.statementTimeoutMillis), String(idleMillis)];
  const { rows } = await session.query(text, values, { during: 'opening a session' });
  const [, , , , version, cipher, bits, clientDn] = rows[0] ?? [];
  if (!version || !cipher) throw notProven(options.peer);
  return { version, cipher, bits: Number(bits), clientDn: clientDn ?? undefined };
}

const idleMillis = 120_000;

function notProven({ host, port }: TlsPeer): Failure {
  return new Failure({
    code: 'tls-not-proven',
    disposition: 'give-up',
    message: `PostgreSQL at ${host}:${port} does not list this session as encrypted (pg_stat_ssl); connect to it without a proxy that ends TLS`,
  });
}
