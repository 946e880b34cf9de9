import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { postgresFailure } from '../../../../shared/etl/postgresql/postgres-failure.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';

const peer = { host: 'db.example.com', port: 5432 };
const secret = 'jane@example.com';

/** As the server sends them, quoting a row wherever it may. */
function serverError(code: string, fields: Partial<DatabaseError> = {}): DatabaseError {
  const error = new DatabaseError(`value "${secret}" is wrong`, 1, 'error');
  return Object.assign(error, {
    ...{ code, severity: 'ERROR', detail: `Key (email)=(${secret}) already exists.` },
    ...{ where: `COPY _etl_staging, line 1: "${secret}"`, internalQuery: `SELECT '${secret}'`, hint: secret },
    ...fields,
  });
}

const columns = ['email', 'amount', 'amount:x'];
const translate = (error: unknown, named?: readonly string[]) =>
  postgresFailure(error, { peer, during: 'loading rows', columns: named });
const textOf = (failure: Failure) => JSON.stringify(failure) + failure.message + String(failure.cause);

describe('a failure of PostgreSQL', () => {
  it.each([
    ['08006', 'postgres-unavailable', 'retry'],
    ['53300', 'postgres-unavailable', 'retry'],
    ['57P03', 'postgres-unavailable', 'retry'],
    ['57014', 'postgres-timeout', 'retry'],
    ['55P03', 'postgres-timeout', 'retry'],
    ['25P03', 'postgres-timeout', 'retry'],
    ['25006', 'postgres-unavailable', 'retry'],
    ['40001', 'postgres-conflict', 'retry'],
    ['40P01', 'postgres-conflict', 'retry'],
    ['28P01', 'postgres-unauthorized', 'give-up'],
    ['28000', 'postgres-unauthorized', 'give-up'],
    ['42501', 'postgres-forbidden', 'give-up'],
    ['42P01', 'postgres-configuration', 'give-up'],
    ['42703', 'postgres-configuration', 'give-up'],
    ['3D000', 'postgres-configuration', 'give-up'],
    ['22012', 'postgres-refused', 'give-up'],
    ['XX001', 'postgres-refused', 'give-up'],
  ])('%s is %s, to %s, and quotes no row', (state, code, disposition) => {
    const failure = translate(serverError(state));
    expect(failure).toMatchObject({ code, disposition });
    expect(failure.message).toContain(`db.example.com:5432`);
    expect(failure.message).toContain(state);
    expect(textOf(failure)).not.toContain('jane');
  });

  it.each(['22P02', '22003', '22P05', '23505', '23514', '54000', '44000', 'P0001'])(
    '%s of rows says that the target refuses them',
    (state) => {
      const failure = translate(serverError(state), columns);
      expect(failure).toMatchObject({ code: 'target-refused-rows', disposition: 'give-up' });
      expect(textOf(failure)).not.toContain('jane');
    },
  );

  it('names the column or the constraint, which are no values', () => {
    expect(translate(serverError('23502', { column: 'email' }), columns).message).toContain('column "email"');
    const message = translate(serverError('23514', { constraint: 'positive' }), columns).message;
    expect(message).toContain('constraint "positive"');
  });

  it('finds the column of a COPY among those it knows, and takes nothing else from there', () => {
    const at = (where: string) => translate(serverError('22P02', { where }), columns).message;
    expect(at(`COPY _etl_staging, line 3, column amount: "${secret}"`)).toContain('column "amount"');
    expect(at(`COPY _etl_staging, line 3, column amount:x: "${secret}"`)).toContain('column "amount:x"');
    expect(at(`COPY _etl_staging, line 3, column ${secret}: "x"`)).not.toContain('jane');
    expect(at(`COPY _etl_staging, line 3: "x, column email: ${secret}"`)).not.toContain('column "email"');
  });

  it('tells a missing client certificate from one that is not taken', () => {
    const says = (message: string) => translate(Object.assign(serverError('28000'), { message })).code;
    expect(says('connection requires a valid client certificate')).toBe('client-certificate-required');
    expect(says('certificate authentication failed for user "x"')).toBe('client-certificate-refused');
  });

  it('of the connection is told by its code', () => {
    expect(translate(Object.assign(new Error(secret), { code: 'ECONNREFUSED' })).code).toBe(
      'peer-unreachable',
    );
    expect(translate(new Error('Connection terminated unexpectedly'))).toMatchObject({
      code: 'postgres-unavailable',
      disposition: 'retry',
    });
    expect(translate(new Error('The server does not support SSL connections'))).toMatchObject({
      code: 'tls-refused-by-server',
      disposition: 'give-up',
    });
    expect(textOf(translate(new Error(secret)))).not.toContain('jane');
  });

  it('that is one already stays as it is', () => {
    const known = new Failure({ code: 'known', disposition: 'retry', message: 'known' });
    expect(translate(known)).toBe(known);
  });
});
