import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { Failure } from '../../runtime/errors.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import { createPostgresClient, type PostgresLogin } from './client.postgresql.ts';
import { postgresFailure } from './postgres-failure.ts';

export interface PostgresOptions extends PostgresLogin {
  /** The server cancels what takes longer; the connection is dropped a little later. */
  readonly statementTimeoutMillis: number;
  /** Ends the connection, and what runs on it with its reason. */
  readonly signal: AbortSignal;
}

/** What a statement is for, and the columns that may be named where it refuses rows. */
export interface Purpose {
  readonly during: string;
  readonly columns?: readonly string[] | undefined;
}

const connectMillis = 10_000;
const closeMillis = 2_000;
/** How long after its own limit a server that says nothing at all is waited for. */
const graceMillis = 5_000;

/** The driver with a time limit on each step, its errors translated. */
export class Session {
  readonly client: Client;
  readonly #socket: Socket;
  readonly #options: PostgresOptions;
  readonly #stop = () => this.destroy();

  constructor(options: PostgresOptions) {
    const { client, socket } = createPostgresClient(options);
    this.client = client;
    this.#socket = socket;
    this.#options = options;
    options.signal.addEventListener('abort', this.#stop, { once: true });
  }

  get isInTransaction(): boolean {
    const { client } = this;
    return 'getTransactionStatus' in client && typeof client.getTransactionStatus === 'function'
      ? client.getTransactionStatus() === 'T'
      : false;
  }

  async connect(): Promise<void> {
    await this.run({ during: 'connecting' }, () => this.client.connect(), connectMillis);
  }

  async query(text: string, values: readonly unknown[], purpose: Purpose) {
    return this.run(purpose, () =>
      this.client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' }),
    );
  }

  async run<T>(
    purpose: Purpose,
    work: () => Promise<T>,
    limitMillis = this.#options.statementTimeoutMillis + graceMillis,
  ): Promise<T> {
    const { signal, peer } = this.#options;
    signal.throwIfAborted();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.destroy();
    }, limitMillis);
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw isLate ? tooLate(peer, purpose, limitMillis) : postgresFailure(error, { peer, ...purpose });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends what waits for an answer, as a broken connection would. */
  destroy(): void {
    this.#options.signal.removeEventListener('abort', this.#stop);
    this.client.connection.stream.destroy();
    this.#socket.destroy();
  }

  async close(): Promise<void> {
    const timer = setTimeout(this.#stop, closeMillis);
    await this.client.end().catch(() => undefined);
    clearTimeout(timer);
    this.destroy();
  }
}

function tooLate({ host, port }: TlsPeer, { during }: Purpose, limitMillis: number): Failure {
  return new Failure({
    code: 'postgres-timeout',
    disposition: 'retry',
    message: `PostgreSQL at ${host}:${port} gave no answer within ${limitMillis} ms, while ${during}`,
  });
}
