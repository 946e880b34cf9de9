import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decryptCell, rowKeyOf } from '../../../../shared/etl/cells/cell-format.ts';
import type { Cell, Row } from '../../../../shared/etl/record.ts';
import { compilePlan } from '../../../../shared/etl/transforms/plan.ts';
import { createSeenKeys } from '../../../../shared/etl/transforms/seen-keys.ts';
import { transformBatch } from '../../../../shared/etl/transforms/transform-batch.ts';
import { aContract, aPipeline, aPlan, recordsOf, someMaterials, transform } from './pipelines.ts';

const hashed = { type: 'hash_pii', column: 'email', kind: 'email' };
const ada = { id: 'p1', email: 'ada@example.com', age: 36, country: 'GB' };
const dataKey = someMaterials().dataKey;

describe('a batch through a plan', () => {
  it('writes every planned column in order, null where the record has nothing', () => {
    const { accepted } = transform(aPlan(), { id: 'p1' });
    expect(Object.entries(accepted[0]?.row ?? {})).toEqual([
      ['id', 'p1'],
      ['email', null],
      ['age', null],
      ['country', null],
    ]);
  });

  it('gives the same person the same pseudonym however the address is written', () => {
    const { accepted } = transform(
      aPlan(),
      ada,
      { ...ada, email: '  ADA@Example.com ' },
      { ...ada, email: 'ａda@example.com' },
    );
    const pseudonyms = new Set(accepted.map(({ row }) => row.email));
    expect(pseudonyms.size).toBe(1);
    expect([...pseudonyms][0]).toMatch(/^h1:[A-Za-z0-9_-]{43}$/);
  });

  it('leaves out what the filter does not keep and sets aside what it errs on', () => {
    const plan = aPlan({ transforms: [{ type: 'filter', keep: '100 / row.age >= 2' }, hashed] });
    const result = transform(plan, ada, { ...ada, age: 99 }, { ...ada, age: 0 }, { ...ada, age: null });
    expect(result).toMatchObject({ filtered: 1, duplicates: 0 });
    expect(result.accepted).toHaveLength(1);
    expect(result.quarantined.map(({ position, reasons }) => [position.ordinal, reasons[0]?.code])).toEqual([
      [3, 'filter-error'],
      [4, 'filter-error'],
    ]);
  });

  it('keeps the first of every key within a window, across its batches', () => {
    const plan = aPlan({ transforms: [{ type: 'dedupe' }, hashed] });
    const seen = createSeenKeys(() => 0.5);
    const first = transformBatch(recordsOf([ada, { ...ada, age: 37 }]), plan, seen);
    const second = transformBatch(recordsOf([ada, { ...ada, id: 'p2' }]), plan, seen);
    expect([first.accepted.length, first.duplicates, second.accepted.length, second.duplicates]).toEqual([
      1, 1, 1, 1,
    ]);
    expect(first.accepted[0]?.row.age).toBe(36);
  });

  it('tells null from the text null when it looks for duplicates', () => {
    const plan = aPlan({ transforms: [{ type: 'dedupe', columns: ['country'] }, hashed] });
    expect(transform(plan, { ...ada, country: null }, { ...ada, country: 'null' }).duplicates).toBe(0);
  });

  it('seals cells for the column and key the destination knows, wherever the step stands', () => {
    const plan = aPlan({
      transforms: [
        { type: 'encrypt_column', column: 'email' },
        { type: 'rename', column: 'email', to: 'address' },
        { type: 'rename', column: 'id', to: 'person' },
      ],
    });
    const [clean] = transform(plan, ada).accepted;
    const address = { pipeline: 'people', table: 'people', column: 'address', rowKey: rowKeyOf(['p1']) };
    expect(plan.key).toEqual(['person']);
    expect(clean?.row.person).toBe('p1');
    expect(dataKey && decryptCell(String(clean?.row.address), address, dataKey)).toBe('ada@example.com');
  });

  it('binds a sealed cell to the pseudonym when the key is one', () => {
    const plan = aPlan({
      contract: aContract({ key: ['id'] }),
      transforms: [
        { type: 'hash_pii', column: 'id', kind: 'generic' },
        { type: 'encrypt_column', column: 'email' },
      ],
    });
    const row = transform(plan, ada).accepted[0]?.row ?? {};
    const address = {
      pipeline: 'people',
      table: 'people',
      column: 'email',
      rowKey: rowKeyOf([row.id ?? null]),
    };
    expect(dataKey && decryptCell(String(row.email), address, dataKey)).toBe('ada@example.com');
  });

  it('casts where nothing is lost and sets the other rows aside without their values', () => {
    const plan = aPlan({ transforms: [hashed, { type: 'cast', column: 'country', to: 'integer' }] });
    const result = transform(plan, { ...ada, country: '49' }, { ...ada, country: '4711canary' });
    expect(result.accepted[0]?.row.country).toBe(49);
    expect(result.quarantined[0]?.reasons).toEqual([
      expect.objectContaining({ code: 'cast-failed', path: '/country', stage: 'transform' }),
    ]);
    expect(JSON.stringify(result.quarantined[0]?.reasons)).not.toContain('4711');
  });

  it('sets aside a personal value that is nothing once normalised', () => {
    const plan = aPlan({ transforms: [{ ...hashed, kind: 'phone' }] });
    const result = transform(plan, { ...ada, email: ' n/a ' }, { ...ada, email: '+' });
    expect(result.quarantined.map(({ reasons }) => reasons[0]?.code)).toEqual([
      'hash-of-nothing',
      'hash-of-nothing',
    ]);
  });

  it('says of every record which run it comes from', () => {
    const plan = aPlan({
      transforms: [hashed, { type: 'add_metadata', columns: { runId: 'run', version: 'v' } }],
    });
    expect(transform(plan, ada).accepted[0]?.row).toMatchObject({ run: 'run-1', v: '7' });
  });

  it('does not change the records it is given', () => {
    const row = { ...ada, extra: { nested: [1] } };
    const before = JSON.stringify(row);
    transform(aPlan({ contract: aContract({ types: 'coerce', unknownColumns: 'evolve' }) }), row);
    expect(JSON.stringify(row)).toBe(before);
  });

  it('refuses to be compiled without the keys it needs', () => {
    expect(() => aPlan({}, { pseudonymKey: undefined })).toThrow(
      expect.objectContaining({ code: 'pipeline-key-missing' }),
    );
    const sealing = aPipeline({ transforms: [{ type: 'encrypt_column', column: 'email' }] });
    expect(() => compilePlan(sealing, someMaterials({ dataKey: undefined }))).toThrow(
      expect.objectContaining({ code: 'pipeline-key-missing' }),
    );
  });
});

describe('columns the contract does not know', () => {
  const stranger = { ...ada, nickname: 'canary', __proto__: null } as Row;

  it('are dropped and counted by default', () => {
    const { accepted, drift } = transform(aPlan(), stranger, ada);
    expect(accepted[0]?.row).not.toHaveProperty('nickname');
    expect(drift).toEqual({ columns: { nickname: 1 }, others: 0 });
  });

  it('are sealed when they may evolve, bound to their own name', () => {
    const plan = aPlan({ contract: aContract({ unknownColumns: 'evolve' }) });
    const row = transform(plan, stranger).accepted[0]?.row ?? {};
    expect(JSON.stringify(row)).not.toContain('canary');
    const address = { pipeline: 'people', table: 'people', column: 'nickname', rowKey: rowKeyOf(['p1']) };
    expect(dataKey && decryptCell(String(row.nickname), address, dataKey)).toBe('canary');
  });

  it('never evolve under a name that may be a value, which would arrive in clear', () => {
    const plan = aPlan({ contract: aContract({ unknownColumns: 'evolve' }) });
    const { accepted, drift } = transform(plan, { ...stranger, 'ada@example.com': 1 });
    expect(Object.keys(accepted[0]?.row ?? {})).toContain('nickname');
    expect(JSON.stringify(accepted)).not.toContain('ada@example.com');
    expect(drift).toEqual({ columns: { nickname: 1 }, others: 1 });
  });

  it('are not named of a record with none of the contract, as a table without a header gives', () => {
    const plan = aPlan({ contract: aContract({ unknownColumns: 'quarantine' }) });
    const { quarantined, drift } = transform(plan, {
      Lovelace: 'Hopper',
      London: 'Arlington',
    } as unknown as Row);
    expect(drift).toEqual({ columns: {}, others: 2 });
    expect(JSON.stringify(quarantined[0]?.reasons)).not.toMatch(/Lovelace|London/);
  });

  it('never evolve into a name the language answers to, or that a planned column has', () => {
    const hostile = JSON.parse('{"id":"p1","__proto__":{"polluted":1},"constructor":1,"email2":"x"}');
    const plan = aPlan({
      contract: aContract({ unknownColumns: 'evolve' }),
      transforms: [hashed, { type: 'rename', column: 'country', to: 'email2' }],
    });
    const row = transform(plan, hostile).accepted[0]?.row ?? {};
    expect(Object.keys(row).sort()).toEqual(['age', 'email', 'email2', 'id']);
    expect(row.email2).toBeNull();
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  it('send the record to quarantine when told so, named only where the name is no value', () => {
    const plan = aPlan({ contract: aContract({ unknownColumns: 'quarantine' }) });
    const { quarantined, drift } = transform(plan, { ...stranger, 'ada@example.com': 1 });
    expect(quarantined[0]?.reasons.map(({ code, path }) => [code, path])).toEqual([
      ['unknown-column', '/nickname'],
      ['unknown-column', undefined],
    ]);
    expect(drift).toEqual({ columns: { nickname: 1 }, others: 1 });
  });
});

describe('the quality of a batch', () => {
  it('is counted on records as they came, whatever becomes of them', () => {
    const columns = {
      id: { type: 'string', classification: 'internal' },
      at: { type: 'timestamp', nullable: true, classification: 'internal' },
      note: { type: 'string', nullable: true, classification: 'internal' },
    };
    const plan = aPlan({
      contract: aContract({ columns }),
      transforms: [{ type: 'filter', keep: "row.id != 'gone'" }],
      quality: { freshness: { column: 'at', warnSeconds: 60 } },
    });
    const { quality } = transform(
      plan,
      { id: 'p1', at: '2026-01-01T00:00:00Z' },
      { id: 'gone', at: '2026-01-01T03:00:00+02:00', note: 'x' },
      { id: 7, at: '2027-01-01T00:00:00Z' },
      { id: 'p2', at: null },
    );
    expect(quality).toEqual({
      records: 4,
      nulls: { id: 0, at: 1, note: 3 },
      violations: { 'wrong-type': 1 },
      violating: 1,
      newestAt: new Date('2026-01-01T01:00:00Z'),
    });
  });
});

describe('the books of a batch', () => {
  const cell: fc.Arbitrary<Cell> = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
  );
  const row = fc.dictionary(fc.constantFrom('id', 'email', 'age', 'country', 'other', 'toString'), cell);
  const plan = aPlan({
    contract: aContract({ types: 'coerce' }),
    transforms: [
      { type: 'filter', keep: "row.country == null || row.country != 'XX'" },
      { type: 'dedupe' },
      hashed,
      { type: 'add_metadata' },
    ],
  });

  it('balance whatever comes, and no reason tells a value', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const result = transform(plan, ...rows);
        const { accepted, quarantined, filtered, duplicates } = result;
        expect(accepted.length + quarantined.length + filtered + duplicates).toBe(rows.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('hold no planted value outside of quarantined rows', () => {
    const planted = Array.from({ length: 1_000 }, (_, index) => `canary${index}x`);
    const rows = planted.map((text, index) => ({
      id: index % 3 === 0 ? null : `p${index}`,
      email: index % 5 === 0 ? 7 : `${text}@example.com`,
      age: text,
      country: 'GB',
      [text]: text,
    }));
    const result = transform(plan, ...(rows as unknown as Row[]));
    const told = JSON.stringify([
      result.quarantined.map(({ reasons }) => reasons),
      result.accepted,
      result.drift.others,
    ]);
    expect(planted.filter((text) => told.includes(text))).toEqual([]);
    expect(result.quarantined).toHaveLength(1_000);
  });
});
