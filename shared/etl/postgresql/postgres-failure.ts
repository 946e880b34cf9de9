import { type Disposition, Failure } from '../../runtime/errors.ts';
import { tlsFailure } from '../connections/tls-failure.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';

export interface PostgresContext {
  readonly peer: Pick<TlsPeer, 'host' | 'port' | 'client'>;
  /** What was being done, for people: `loading a chunk`. */
  readonly during: string;
  /** Of a statement whose rows may be refused: the columns that may be named. */
  readonly columns?: readonly string[] | undefined;
}

/** What the server's ErrorResponse holds and we look at (protocol 3.0, error fields C, M, c, n, W). */
interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  readonly where?: string | undefined;
}

/**
 * Anything that PostgreSQL or the driver threw, as a Failure without cause: `message`, `detail`, `where` and
 * `internalQuery` of the server quote rows. What stays is the SQLSTATE, and the name of a column or a constraint.
 */
export function postgresFailure(error: unknown, context: PostgresContext): Failure {
  if (error instanceof Failure) return error;
  if (isServerError(error)) return serverFailure(error, context);
  const tls = tlsFailure(error, context.peer);
  if (tls) return tls;
  return driverFailure(error instanceof Error ? error.message : '', context);
}

const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error &&
  'code' in error &&
  'severity' in error &&
  typeof error.code === 'string' &&
  /^[0-9A-Z]{5}$/.test(error.code);

type Verdict = readonly [code: string, disposition: Disposition, what: string];

/** By SQLSTATE or its first two characters (PostgreSQL 15 documentation, appendix A); the longer match counts. */
const verdicts: Readonly<Record<string, Verdict>> = {
  '08': ['postgres-unavailable', 'retry', 'lost the connection'],
  '25006': ['postgres-unavailable', 'retry', 'is a standby that takes no writes'],
  '25P03': ['postgres-timeout', 'retry', 'ended a transaction that stood still'],
  '28': [
    'postgres-unauthorized',
    'give-up',
    'refuses this user; check user, password and client certificate',
  ],
  '40': ['postgres-conflict', 'retry', 'gave way to another transaction'],
  '42501': ['postgres-forbidden', 'give-up', 'does not allow this to the user; grant what is missing'],
  '53': ['postgres-unavailable', 'retry', 'has no resources left'],
  '55P03': ['postgres-timeout', 'retry', 'waited too long for a lock'],
  '57': ['postgres-unavailable', 'retry', 'is going down or coming up'],
  '57014': ['postgres-timeout', 'retry', 'cancelled a statement that took too long'],
  '58': ['postgres-unavailable', 'retry', 'has trouble with its system'],
};
const configuration: Verdict = [
  'postgres-configuration',
  'give-up',
  'knows no such thing; correct the definition or the database',
];
const refused: Verdict = ['postgres-refused', 'give-up', 'refuses the statement'];

/** Of rows: data exceptions, integrity, limits of a row, check options of a view, what triggers raise. */
const aboutRows = /^(22|23|54|44|P0)/;
const aboutNames = /^(42|3D|3F|0A)/;

function serverFailure(error: ServerError, context: PostgresContext): Failure {
  if (error.code.startsWith('28')) return authorizationFailure(error, context);
  if (context.columns && aboutRows.test(error.code)) return rowsFailure(error, context.columns, context);
  const fallback = aboutNames.test(error.code) ? configuration : refused;
  const verdict = verdicts[error.code] ?? verdicts[error.code.slice(0, 2)] ?? fallback;
  return failureOf(verdict, context, ` (SQLSTATE ${error.code})`);
}

/** The server's words before anybody is let in hold no row; they alone tell the certificate from the password. */
function authorizationFailure({ code, message }: ServerError, context: PostgresContext): Failure {
  const sqlState = ` (SQLSTATE ${code})`;
  if (/requires a valid client certificate/.test(message)) {
    const what = 'asks for a client certificate; name one as clientCertificate';
    return failureOf(['client-certificate-required', 'give-up', what], context, sqlState);
  }
  if (/certificate authentication failed/.test(message)) {
    const what = 'does not take the client certificate for this user; its common name must be the user';
    return failureOf(['client-certificate-refused', 'give-up', what], context, sqlState);
  }
  return failureOf(verdicts['28'] ?? refused, context, sqlState);
}

function rowsFailure(error: ServerError, columns: readonly string[], context: PostgresContext): Failure {
  const column = error.column ?? columnOfCopy(error.where, columns);
  const place = column
    ? `, column ${JSON.stringify(column)}`
    : error.constraint
      ? `, constraint ${JSON.stringify(error.constraint)}`
      : '';
  const what = 'refuses rows; correct the contract, the transforms or the table';
  return failureOf(['target-refused-rows', 'give-up', what], context, ` (SQLSTATE ${error.code}${place})`);
}

/** `COPY <table>, line 3, column amount: "12x"`: the name is taken only where it is one of ours. */
function columnOfCopy(where: string | undefined, columns: readonly string[]): string | undefined {
  const [, rest] = /^COPY _etl_staging, line \d+, column (.*)$/s.exec(where ?? '') ?? [];
  return columns
    .filter((name) => rest === name || rest?.startsWith(`${name}:`))
    .sort((a, b) => b.length - a.length)[0];
}

function driverFailure(message: string, context: PostgresContext): Failure {
  if (message === 'The server does not support SSL connections') {
    const what = 'offers no TLS; switch ssl on there';
    return failureOf(['tls-refused-by-server', 'give-up', what], context);
  }
  // The driver's other words are of lost connections and broken protocol; they may quote what was sent.
  return failureOf(['postgres-unavailable', 'retry', 'broke off the connection'], context);
}

function failureOf([code, disposition, what]: Verdict, context: PostgresContext, state = ''): Failure {
  const { host, port } = context.peer;
  return new Failure({
    code,
    disposition,
    message: `PostgreSQL at ${host}:${port} ${what}, while ${context.during}${state}`,
  });
}
