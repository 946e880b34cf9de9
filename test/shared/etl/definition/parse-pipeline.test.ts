import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { digestPipeline } from '../../../../shared/etl/definition/digest.ts';
import { parsePipeline } from '../../../../shared/etl/definition/parse-pipeline.ts';
import { describePipelines } from '../../../../shared/etl/definition/pipeline-schema.ts';
import { refuseDefinition } from '../../../../shared/etl/definition/problem.ts';
import { aContract, aDefinition, aPipeline } from '../transforms/pipelines.ts';

const root = new URL('../../../../', import.meta.url);
const examples = readdirSync(new URL('examples/pipelines/', root)).filter((name) => name.endsWith('.json'));
const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(path, root), 'utf8'));

const problemsOf = (changes: Record<string, unknown>) =>
  parsePipeline(aDefinition(changes)).problems.map(({ pointer, code }) => `${pointer} ${code}`);
const withTransforms = (...transforms: unknown[]) => problemsOf({ transforms });

const hash = { type: 'hash_pii', column: 'email', kind: 'email' };

describe('a pipeline definition', () => {
  it('is taken with its defaults when nothing is wrong', () => {
    const { pipeline, problems } = parsePipeline(aDefinition());
    expect(problems).toEqual([]);
    expect(pipeline).toMatchObject({
      quarantine: { failOn: 'percent', maxPercent: 5 },
      contract: { unknownColumns: 'freeze', types: 'quarantine' },
      retention: { rawHours: 24 },
    });
  });

  it('is refused with all that is wrong with its form at once, each at its place', () => {
    const found = parsePipeline({
      ...aDefinition({ name: 'Not Plain', owner: 'nobody', window: { everySeconds: 1 }, surprise: 1 }),
      contract: aContract({ columns: { 'a/b': { type: 'text', classification: 'pii', patern: 'x' } } }),
    });
    expect(found.pipeline).toBeUndefined();
    expect(found.problems.map(({ pointer }) => pointer).sort()).toEqual([
      '/contract/columns/a~1b/patern',
      '/contract/columns/a~1b/type',
      '/name',
      '/owner',
      '/surprise',
      '/window/everySeconds',
    ]);
  });

  it.each([undefined, null, [], 'text', 7])('is refused when it is %j', (definition) => {
    expect(parsePipeline(definition).problems).not.toEqual([]);
  });

  it('becomes one failure that names every place', () => {
    const { problems } = parsePipeline(aDefinition({ name: 'X', owner: 'x' }));
    expect(refuseDefinition('people.json', problems)).toMatchObject({
      code: 'invalid-pipeline',
      message: expect.stringMatching(/people\.json.*\/name.*\/owner/),
    });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a\u0000b', ''])(
    'has no column called %j',
    (name) => {
      const columns = JSON.parse(
        `{"id":{"type":"string","classification":"public"},${JSON.stringify(name)}:{"type":"string","classification":"public"}}`,
      );
      const found = parsePipeline(aDefinition({ contract: aContract({ columns }), transforms: [] }));
      // The schema library itself leaves __proto__ out, so then the column is simply not there.
      expect(Object.keys(found.pipeline?.contract.columns ?? { id: 1 })).toEqual(['id']);
    },
  );

  it('keeps credentials out of headers and URLs', () => {
    const source = { type: 'https', url: 'https://api.example.com/', format: { type: 'ndjson' } };
    expect(problemsOf({ source: { ...source, url: 'https://user:secret@api.example.com/' } })).toEqual([
      '/source/url malformed',
    ]);
    expect(problemsOf({ source: { ...source, url: 'http://api.example.com/' } })).toContain(
      '/source/url malformed',
    );
    expect(problemsOf({ source: { ...source, headers: { AUTHORIZATION: 'x' } } })).toEqual([
      '/source/headers malformed',
    ]);
    expect(problemsOf({ source })).toEqual([]);
  });
});

describe('the checks at deploy', () => {
  it('let no personal or secret column arrive in clear', () => {
    expect(withTransforms()).toEqual(['/contract/columns/email unprotected-column']);
    expect(withTransforms({ type: 'drop', column: 'email' })).toEqual([]);
    expect(withTransforms({ type: 'rename', column: 'email', to: 'mail' })).toEqual([
      '/contract/columns/email unprotected-column',
    ]);
    expect(withTransforms({ type: 'cast', column: 'email', to: 'json' })).toHaveLength(1);
  });

  it.each([
    ['secret', { type: 'mask', column: 'id2', show: { kind: 'last', characters: 4 } }, 1],
    ['secret', { type: 'hash_pii', column: 'id2', kind: 'generic' }, 1],
    ['secret', { type: 'encrypt_column', column: 'id2' }, 0],
    ['unclassified', { type: 'hash_pii', column: 'id2', kind: 'generic' }, 1],
    ['unclassified', { type: 'encrypt_column', column: 'id2' }, 0],
    ['pii', { type: 'mask', column: 'id2', show: { kind: 'all' } }, 0],
    ['public', { type: 'add_metadata' }, 0],
  ])('ask of a %s column what its class needs: %j', (classification, step, count) => {
    const columns = {
      id: { type: 'string', classification: 'internal' },
      id2: { type: 'string', classification },
    };
    const found = problemsOf({ contract: aContract({ columns }), transforms: [step] });
    expect(found.filter((text) => text.endsWith('unprotected-column'))).toHaveLength(count);
  });

  it('find every step whose column is not there at its point', () => {
    expect(
      withTransforms(
        hash,
        { type: 'rename', column: 'country', to: 'land' },
        { type: 'drop', column: 'country' },
        { type: 'filter', keep: "row.country == 'DE'" },
        { type: 'dedupe', columns: ['id', 'country'] },
        { type: 'cast', column: 'nope', to: 'string' },
      ),
    ).toEqual([
      '/transforms/2/column column-unknown',
      '/transforms/3/keep filter-unknown-column',
      '/transforms/4/columns/1 column-unknown',
      '/transforms/5/column column-unknown',
    ]);
  });

  it('find names that collide', () => {
    expect(withTransforms(hash, { type: 'rename', column: 'country', to: 'id' })).toEqual([
      '/transforms/1/to column-exists',
    ]);
    expect(withTransforms(hash, { type: 'add_metadata' }, { type: 'add_metadata' })).toHaveLength(4);
  });

  it('find steps that work on what is hashed or sealed already', () => {
    expect(withTransforms(hash, hash)).toEqual(['/transforms/1/column column-not-clear']);
    expect(withTransforms(hash, { type: 'filter', keep: "row.email == 'x'" })).toEqual([
      '/transforms/1/keep filter-unknown-column',
    ]);
    expect(withTransforms({ type: 'encrypt_column', column: 'email' }, hash)).toEqual([
      '/transforms/1/column column-not-clear',
    ]);
  });

  it('keep the key whole', () => {
    expect(withTransforms(hash, { type: 'drop', column: 'id' })).toEqual([
      '/transforms/1/column key-dropped',
    ]);
    expect(withTransforms(hash, { type: 'encrypt_column', column: 'id' })).toEqual([
      '/transforms/1/column key-encrypted',
    ]);
    expect(problemsOf({ contract: aContract({ key: ['email', 'nope', 'nope'] }) })).toEqual([
      '/contract/key/0 key-nullable',
      '/contract/key/1 column-unknown',
      '/contract/key/2 column-unknown',
      '/contract/key/2 key-repeated',
    ]);
  });

  it('want a key of one written form where cells are bound to it', () => {
    const columns = {
      at: { type: 'timestamp', classification: 'internal' },
      note: { type: 'string', classification: 'pii' },
    };
    const contract = aContract({ columns, key: ['at'] });
    const sealing = { contract, transforms: [{ type: 'encrypt_column', column: 'note' }] };
    expect(problemsOf(sealing)).toEqual(['/contract/key/0 key-unstable']);
    expect(problemsOf({ contract, transforms: [{ type: 'drop', column: 'note' }] })).toEqual([]);
  });

  it('type-check filters against the contract', () => {
    expect(withTransforms(hash, { type: 'filter', keep: 'row.id > 3' })).toEqual([
      '/transforms/1/keep filter-type',
    ]);
    expect(withTransforms(hash, { type: 'filter', keep: 'row.id' })).toEqual([
      '/transforms/1/keep filter-type',
    ]);
    expect(withTransforms(hash, { type: 'filter', keep: 'row.age == null || row.age > 3' })).toEqual([]);
  });

  it('warn of pseudonyms with few values without refusing them', () => {
    const columns = {
      id: { type: 'string', classification: 'internal' },
      sex: { type: 'string', enum: ['f', 'm', 'x'], classification: 'pii' },
    };
    const transforms = [{ type: 'hash_pii', column: 'sex', kind: 'generic' }];
    const { pipeline, problems } = parsePipeline(
      aDefinition({ contract: aContract({ columns }), transforms }),
    );
    expect(pipeline).toBeDefined();
    expect(problems).toEqual([expect.objectContaining({ code: 'low-entropy', severity: 'warning' })]);
  });

  it('refuse patterns that RE2 does not know or that grow too large', () => {
    const pattern = (text: string) =>
      problemsOf({
        contract: aContract({
          columns: { id: { type: 'string', pattern: text, classification: 'internal' } },
        }),
        transforms: [],
      });
    expect(pattern('(?=a)b')).toEqual(['/contract/columns/id/pattern pattern']);
    expect(pattern('(a{1,30}){1,30}')).toEqual(['/contract/columns/id/pattern pattern-too-large']);
    expect(pattern('^[A-Z]{2}$')).toEqual([]);
  });

  it.each(['_raw', '_quarantine', '_QUARANTINE', '_loads', '_etl_loads', '_etl_steps'])(
    'keep the name %s to certfleet',
    (table) => {
      expect(problemsOf({ destinations: [{ type: 's3', table }] })).toEqual([
        '/destinations/0/table table-reserved',
      ]);
    },
  );

  it.each([
    [{ format: 'ndjson' }, { format: 'parquet' }],
    [{ prefix: 'peo', table: 'ple' }, {}],
    [{ kmsKey: 'alias/one' }, { kmsKey: 'alias/other' }],
  ])('let no two destinations write to one place: %j and %j', (one, other) => {
    const people = { type: 's3', table: 'people' };
    expect(
      problemsOf({
        destinations: [
          { ...people, ...one },
          { ...people, ...other },
        ],
      }),
    ).toEqual(['/destinations/1 destination-repeated']);
    expect(problemsOf({ destinations: [people, { ...people, prefix: 'copy/' }] })).toEqual([]);
  });

  it('warn of rules that rule nothing, without refusing them', () => {
    const warehouse = {
      type: 'redshift',
      workgroup: 'dwh',
      database: 'dwh',
      copyRole: 'arn:aws:iam::123456789012:role/copy',
      staging: { bucket: 'staged' },
      table: 'people',
    };
    const { pipeline, problems } = parsePipeline(
      aDefinition({
        destinations: [warehouse],
        retention: { loadedDays: 5 },
        window: { everySeconds: 3600, offsetSeconds: 3600 },
      }),
    );
    expect(pipeline).toBeDefined();
    expect(problems).toMatchObject([
      { pointer: '/retention/loadedDays', code: 'retention-idle', severity: 'warning' },
      { pointer: '/window/offsetSeconds', code: 'offset-whole', severity: 'warning' },
    ]);
    expect(problemsOf({ retention: { loadedDays: 5 } })).toEqual([]);
  });

  it('check what the ends and the thresholds name', () => {
    expect(
      problemsOf({
        source: {
          type: 'postgresql',
          host: 'db.example.com',
          database: 'shop',
          user: 'etl',
          table: 'people',
          watermark: { column: 'age' },
        },
        destinations: [
          {
            type: 'redshift',
            database: 'dwh',
            copyRole: 'arn:aws:iam::123456789012:role/copy',
            staging: { bucket: 'staged' },
            table: 'people',
          },
        ],
        quality: { nullRate: { gone: { warn: 0.1 } }, freshness: { column: 'id', warnSeconds: 60 } },
      }),
    ).toEqual([
      '/quality/nullRate/gone column-unknown',
      '/quality/freshness/column column-type',
      '/source credential-missing',
      '/destinations/0 redshift-target',
      '/source/watermark/column column-type',
    ]);
  });
});

describe('the published schema', () => {
  it('is the one definitions are read by', () => {
    expect(readJson('docs/etl/pipeline.schema.json')).toEqual(
      JSON.parse(JSON.stringify(describePipelines())),
    );
  });

  it.each(examples)('takes the example %s, as does the reader', (name) => {
    const example = readJson(`examples/pipelines/${name}`);
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      readJson('docs/etl/pipeline.schema.json'),
    );
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
    expect(parsePipeline(example).problems).toEqual([]);
    expect(validate({ ...example, surprise: 1 })).toBe(false);
  });
});

describe('digests', () => {
  it('do not change with the order of members, and do with any change', () => {
    const pipeline = aPipeline();
    const turned = aPipeline(Object.fromEntries(Object.entries(aDefinition()).reverse()));
    expect(digestPipeline(turned)).toBe(digestPipeline(pipeline));
    const other = aPipeline({ owner: 'other@example.com' });
    expect(digestPipeline(other)).not.toBe(digestPipeline(pipeline));
  });
});

describe('hosts', () => {
  const withHost = (host: string) =>
    problemsOf({
      source: {
        type: 'postgresql',
        host,
        database: 'shop',
        user: 'etl',
        passwordSecret: 's',
        table: 'people',
      },
    });

  it.each(['db.example.com', 'localhost', '127.0.0.1', '::1', 'db-1'])('may be %s', (host) => {
    expect(withHost(host)).toEqual([]);
  });

  it.each([
    '0x7f000001',
    '2130706433',
    '127.1',
    'db.example.com:5432',
    'postgresql://db',
    'a..b',
    '-a.com',
    'a b',
    '',
  ])('may not be %j', (host) => {
    expect(withHost(host)).toEqual(['/source/host malformed']);
  });
});
