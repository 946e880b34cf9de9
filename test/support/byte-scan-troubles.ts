import type { ExampleOrder } from '../../local/etl/example-orders.ts';
import type { HostileAnswer } from './byte-scan-hostile.ts';

export const hostileHost = 'hostile.example.com';
export const hostileRoots = 'etl/hostile/roots';
export const hostilePassword = 'etl/hostile/password';
/** The run whose worker is killed. */
export const killedPipeline = 'killed';

/** How far a run is to come: to a report, to another try for a failure that passes, or to the code it fails with. */
export type TroubleEnd = 'reported' | 'retrying' | `failed ${string}`;

export interface Trouble {
  readonly name: string;
  readonly end: TroubleEnd;
  readonly definition: Readonly<Record<string, unknown>>;
}

type Json = Record<string, unknown>;
type Answers = Record<string, readonly [HostileAnswer, ...HostileAnswer[]]>;

/** Every way a run goes wrong with personal values at hand, and what the API answers to bring it about. */
export function arrangeTroubles(
  example: Json,
  orders: readonly ExampleOrder[],
): { readonly troubles: readonly Trouble[]; readonly answers: Answers } {
  const rows = orders.map(({ record }) => record as Json);
  const quoted = rows.map((row) => JSON.stringify(row)).join('\n');
  const good = { body: JSON.stringify({ data: { items: rows, next: null } }) };
  const [one = {}, two = {}, three = {}] = rows;
  const email = String(one.customer_email);
  const answers: Answers = {
    '/good': [good],
    '/server-error': [
      {
        status: 500,
        phrase: String(two.customer_name)
          .normalize('NFKD')
          .replaceAll(/[^ -~]/g, ''),
        body: quoted,
      },
    ],
    '/bad-request': [
      { status: 400, headers: { 'x-detail': email }, body: JSON.stringify({ error: quoted }) },
    ],
    '/web-page': [
      { headers: { 'content-type': 'text/html' }, body: `<html><title>${quoted}</title></html>` },
    ],
    '/elsewhere': [
      { status: 302, headers: { location: `https://${hostileHost}/?mail=${email}` }, body: quoted },
    ],
    '/cut-off': [{ body: `{"data":{"items":[${quoted.replaceAll('\n', ',').slice(0, -20)}` }],
    '/not-json': [{ body: `${email} ${quoted}` }],
    '/other-place': [{ body: JSON.stringify({ [email]: rows }) }],
    '/cursor': [
      { body: JSON.stringify({ data: { items: rows, next: email } }) },
      { status: 500, body: quoted },
    ],
    '/lines': [{ body: brokenLines(rows, { one, two, three }) }],
    '/table': [{ headers: { 'content-type': 'text/csv' }, body: brokenTable(rows) }],
    '/headless': [{ headers: { 'content-type': 'text/csv' }, body: headlessTable(rows) }],
  };
  return { answers, troubles: troublesOf(example) };
}

function troublesOf(example: Json): readonly Trouble[] {
  const { columns, ...contract } = example.contract as Json & { columns: Record<string, Json> };
  const from = (path: string, changes: Json = {}, format: Json = { type: 'json', path: '/data/items' }) => ({
    ...example,
    window: { ...(example.window as Json), automatic: false },
    source: { type: 'https', url: `https://${hostileHost}${path}`, caSecret: hostileRoots, format },
    quality: {},
    ...changes,
  });
  const inClear = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, { ...column, classification: 'internal' }]),
  );
  const never = { quarantine: { failOn: 'never' } };
  const database = {
    type: 'postgresql',
    host: hostileHost,
    database: 'shop',
    user: 'etl',
    table: 'orders',
    passwordSecret: hostilePassword,
    caSecret: hostileRoots,
  };
  const cursor = { type: 'cursor', parameter: 'cursor', next: '/data/next' };
  const paged = from('/cursor');
  const all: readonly (readonly [name: string, end: TroubleEnd, definition: Json])[] = [
    [
      'other-types',
      'failed contract-type-frozen',
      from('/good', {
        contract: {
          ...contract,
          types: 'freeze',
          columns: {
            ...columns,
            ship_to: { type: 'integer', nullable: true, classification: 'pii' },
            customer_email: { ...columns.customer_email, pattern: '^nobody$' },
            customer_phone: { ...columns.customer_phone, enum: ['none'] },
            customer_name: { ...columns.customer_name, maxLength: 3 },
          },
        },
      }),
    ],
    [
      'poor-quality',
      'failed quality-below-threshold',
      from('/good', { quality: { nullRate: { customer_phone: { fail: 0 } } } }),
    ],
    [
      'erring-filter',
      'reported',
      from('/good', {
        ...never,
        transforms: [
          {
            type: 'filter',
            keep: 'int(row.customer_name) > 0 || timestamp(row.customer_email) > row.ordered_at',
          },
          ...(example.transforms as Json[]).slice(1),
        ],
      }),
    ],
    [
      'refusing-database',
      'failed postgres-refused',
      from('/good', {
        contract: { ...contract, columns: inClear },
        transforms: [],
        destinations: [database],
      }),
    ],
    [
      'refusing-source',
      'failed postgres-refused',
      { ...from(''), source: { ...database, watermark: { column: 'ordered_at' } } },
    ],
    ['server-error', 'retrying', from('/server-error')],
    ['bad-request', 'failed source-refused', from('/bad-request')],
    ['web-page', 'failed source-answer-type', from('/web-page')],
    ['elsewhere', 'failed source-redirected', from('/elsewhere')],
    ['cut-off', 'failed json-document-broken', from('/cut-off')],
    ['not-json', 'failed json-path-missing', from('/not-json')],
    ['other-place', 'failed json-path-missing', from('/other-place')],
    ['cursor', 'retrying', { ...paged, source: { ...paged.source, pagination: cursor } }],
    ['lines', 'reported', from('/lines', never, { type: 'ndjson' })],
    ['table', 'reported', from('/table', never, { type: 'csv' })],
    ['headless', 'reported', from('/headless', never, { type: 'csv' })],
    [
      'evolving',
      'reported',
      from(
        '/lines',
        { ...never, contract: { ...contract, columns, unknownColumns: 'evolve' } },
        { type: 'ndjson' },
      ),
    ],
    [
      'strict',
      'reported',
      from(
        '/headless',
        { ...never, contract: { ...contract, columns, unknownColumns: 'quarantine' } },
        { type: 'csv' },
      ),
    ],
  ];
  return [...all, [killedPipeline, 'retrying', from('/good')] as const].map(([name, end, definition]) => ({
    name,
    end,
    definition: { ...definition, name },
  }));
}

/** Good lines among those that no reader can read, and columns that are named by values. */
function brokenLines(
  rows: readonly Json[],
  { one, two, three }: { one: Json; two: Json; three: Json },
): string {
  const text = JSON.stringify(one);
  const broken = [
    text.slice(0, -5),
    `${text}${text}`,
    text.replace('"customer_email":', '"customer_email":nobody'),
    text.replace('{', '{"order_id":"ORD-1",'),
    JSON.stringify([two]),
    JSON.stringify(two.customer_email),
    JSON.stringify({ ...two, [String(two.customer_email)]: 1, [String(two.customer_name)]: two }),
    JSON.stringify({ ...three, customer_phone: { [String(three.customer_email)]: three.customer_name } }),
    JSON.stringify({
      ...three,
      ordered_at: three.customer_email,
      status: three.customer_name,
      amount: three.customer_phone,
    }),
    `${JSON.stringify(three).slice(0, -1)},"customer_name":"${three.customer_name}"}`,
  ];
  return [...broken, ...rows.slice(3).map((row) => JSON.stringify(row))].join('\n');
}

const tableColumns = ['order_id', 'ordered_at', 'customer_email', 'customer_name', 'customer_phone'] as const;
const tableLine = (row: Json): string => tableColumns.map((name) => `"${row[name] ?? ''}"`).join(',');

/** Of words that could be names of columns, the first line above all. */
function headlessTable(rows: readonly Json[]): string {
  const lines = rows.map(({ customer_name, customer_email, ship_to }) =>
    [(ship_to as Json | null)?.city, customer_email, ...String(customer_name).split(' ')].join(),
  );
  const first = lines.find((line) => /^[A-Za-z]+,/.test(line)) ?? '';
  return [first, ...lines].join('\n');
}

/** Lines with a cell too many, one too few, quotes within a cell, and one that is never closed. */
function brokenTable(rows: readonly Json[]): string {
  const lines = rows.map((row, index) => {
    const line = tableLine(row);
    if (index % 5 === 1) return `${line},${line}`;
    if (index % 5 === 2) return line.slice(line.indexOf(',') + 1);
    return index % 5 === 3 ? line.replace(/","/, '" "oops","') : line;
  });
  return [tableColumns.join(','), ...lines, `"ORD-00000001,${lines[0]}`].join('\n');
}
