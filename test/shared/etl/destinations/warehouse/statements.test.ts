import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bigqueryDialect } from '../../../../../shared/etl/destinations/bigquery/dialect.ts';
import { redshiftDialect } from '../../../../../shared/etl/destinations/redshift/dialect.ts';
import { snowflakeDialect } from '../../../../../shared/etl/destinations/snowflake/dialect.ts';
import { literal } from '../../../../../shared/etl/destinations/warehouse/literals.ts';
import { tokenOf, uuidOf } from '../../../../../shared/etl/destinations/warehouse/load-token.ts';
import { createTarget, selectChanges } from '../../../../../shared/etl/destinations/warehouse/merge-sql.ts';
import { readSigningKey } from '../../../../../shared/etl/destinations/warehouse/signed-jwt.ts';
import { aChunk, aColumn, aShape, runIdOf } from '../builders.ts';

const tables = { target: 't', ledger: 'l', steps: 'p', staged: 's', changes: 'c' };

describe('the statements of a warehouse', () => {
  it('hold a hostile column name as a name', () => {
    const shape = aShape(aColumn('id'), aColumn('a"; DROP TABLE orders; --'));
    for (const dialect of [redshiftDialect, snowflakeDialect]) {
      expect(createTarget(dialect, tables, shape)).toContain('"a""; DROP TABLE orders; --" ');
    }
  });

  it('refuse a column that BigQuery cannot call so', () => {
    const shape = aShape(aColumn('id'), aColumn('a`b'));
    const refused = { code: 'target-refuses-column', disposition: 'give-up' };
    expect(() => createTarget(bigqueryDialect, tables, shape)).toThrow(expect.objectContaining(refused));
  });

  it.each(["it's", 'back\\slash', 'a\nb', '"', ';'])('take no id with %j in it', (id) => {
    expect(() => literal(id)).toThrow(expect.objectContaining({ code: 'id-not-plain', disposition: 'bug' }));
  });

  it('compare what is of the record, in clear, and no key', () => {
    const shape = aShape(
      aColumn('id'),
      aColumn('amount'),
      aColumn('extra', { type: 'json' }),
      aColumn('_run_id', { metadata: true }),
    );
    const sql = selectChanges(redshiftDialect, tables, shape);
    expect(sql).toContain('s."amount" <> t."amount"');
    expect(sql).toContain('JSON_SERIALIZE(s."extra") <> JSON_SERIALIZE(t."extra")');
    expect(sql).not.toMatch(/_run_id" <>|"id" <>/);
  });

  it('take every row for changed where a column is encrypted, since its cells never repeat', () => {
    const shape = aShape(aColumn('id'), aColumn('address', { protection: 'encrypted' }));
    expect(selectChanges(snowflakeDialect, tables, shape)).toContain('WHEN (1 = 1) THEN');
  });
});

describe('a load token', () => {
  it('is the same for the same attempt, another one for every other', () => {
    const attempts = [
      aChunk(),
      aChunk({ fence: 2 }),
      aChunk({ runId: runIdOf(2) }),
      aChunk({ chunkId: '00001-0' }),
      aChunk({ loadId: 'b'.repeat(64) }),
    ];
    const tokens = attempts.map((chunk) => tokenOf('load', chunk));
    expect(new Set(tokens).size).toBe(5);
    expect(tokenOf('load', aChunk())).toBe(tokens[0]);
    expect(tokens.every((token) => /^[0-9a-f]{64}$/.test(token))).toBe(true);
  });

  it('has a UUID of version 5', () => {
    const uuid = uuidOf(tokenOf('load', aChunk()));
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOf(tokenOf('load', aChunk({ fence: 2 })))).not.toBe(uuid);
  });
});

describe('a signing key', () => {
  it('is told to be unusable without a word of it', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const bad of [pem, 'hush']) {
      const refused = { code: 'target-key-unusable', disposition: 'give-up', cause: undefined };
      expect(() => readSigningKey(bad, 'Snowflake')).toThrow(expect.objectContaining(refused));
      expect(() => readSigningKey(bad, 'Snowflake')).not.toThrow(bad);
    }
  });
});
