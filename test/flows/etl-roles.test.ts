import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalStack, startStack } from '../../local/stack.ts';
import type { RequestedRun } from '../../shared/etl/chain/request-runs.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import type { ObjectStore } from '../../shared/etl/objects/object-store.ts';
import type { Window } from '../../shared/etl/run/window.ts';
import { type EtlFlow, openEtlFlow } from '../support/etl-flow.ts';

let directory: string;
let stack: LocalStack;
let flow: EtlFlow;
let window: Window;
let orders: Record<string, unknown>;
let log = '';
const runs: Record<string, Run | undefined> = {};
const refusals: unknown[] = [];
const endings: unknown[] = [];

/** Everything the functions do in a pipeline's life, failures included. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-etl-roles-'));
  const pipelineText = await readFile('examples/pipelines/orders.json', 'utf8');
  const example = JSON.parse(pipelineText);
  orders = { ...example, window: { ...example.window, automatic: false } };
  stack = await startStack({
    dataDir: directory,
    pipelineText,
    orderCount: 700,
    onLog: (_name, text) => {
      log += text;
    },
  });
  if (!stack.pipelineWorld) throw new Error('the stack has no pipeline');
  window = stack.pipelineWorld.window;
  flow = openEtlFlow(stack);
  await runOrders();
  await runReadings();
  await runIntoTrouble();
  await loseDefinitions();
}, 240_000);
afterAll(async () => {
  flow?.stop();
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function runOrders(): Promise<void> {
  await flow.define(orders);
  const slot = flow.slotOf('orders', window);
  await flow.start({ pipeline: 'orders', window });
  runs.first = await flow.settled(slot, 'reported');
  await flow.start({ pipeline: 'orders', window, dryRun: true });
  await Promise.all([flow.tick(), flow.tick(), flow.start({ pipeline: 'orders', window })]);
  const from = new Date(window.from.getTime() - 2 * 3_600_000);
  const filled = await flow.start({ pipeline: 'orders', backfill: { from, to: window.from } });
  for (const { scope: scopeKey } of filled)
    runs[scopeKey] = await flow.settled({ pipeline: 'orders', scopeKey }, 'reported');

  const [superseding] = await flow.start({ pipeline: 'orders', window, existing: 'supersede' });
  runs.superseding = await flow.settled(slot, 'reported');
  expect(runs.superseding?.runId).toBe(superseding?.runId);
  const asked = (await flow.call('start-etl', { pipeline: 'orders', replay: { window } })) as RequestedRun;
  runs.replay = await flow.settled({ pipeline: 'orders', scopeKey: asked.scope }, 'reported');
}

/** From one bucket into another, by two workers of each stage; then the same once more. */
async function runReadings(): Promise<void> {
  const source = await flow.createBucket('certfleet-dev-source-readings');
  await flow.createBucket('certfleet-dev-target-readings');
  // A window that is over in a few seconds.
  const to = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
  const minute = { from: new Date(to.getTime() - 60_000), to };
  const offsetSeconds = (to.getTime() / 1000) % 60;
  await flow.define(readings('readings', { everySeconds: 60, offsetSeconds, automatic: false }));
  for (const name of ['a', 'b']) await putReadings(source, name);
  const start = async (existing: 'leave' | 'supersede') => {
    await vi.waitFor(() => flow.start({ pipeline: 'readings', window: minute, existing }), {
      timeout: 20_000,
      interval: 500,
    });
    return flow.settled(flow.slotOf('readings', minute), 'reported');
  };
  runs.readings = await start('leave');
  runs.readingsAgain = await start('supersede');
  await flow.define({
    ...readings('poor', { everySeconds: 60, offsetSeconds, automatic: false }),
    quarantine: { failOn: 'percent', maxPercent: 1 },
  });
  await flow.start({ pipeline: 'poor', window: minute });
  runs.poor = await flow.settled(flow.slotOf('poor', minute), 'failed');
}

const readings = (name: string, every: object) => ({
  name,
  owner: 'data@example.com',
  window: every,
  source: { type: 's3', bucket: 'certfleet-dev-source-readings', prefix: 'in/', format: { type: 'ndjson' } },
  contract: {
    columns: {
      id: { type: 'string', classification: 'internal' },
      email: { type: 'string', classification: 'pii' },
      amount: { type: 'integer', classification: 'internal' },
    },
    key: ['id'],
  },
  transforms: [{ type: 'hash_pii', column: 'email', kind: 'email' }, { type: 'add_metadata' }],
  destinations: [
    { type: 's3', bucket: 'certfleet-dev-target-readings', table: 'readings', format: 'ndjson' },
  ],
  quarantine: { failOn: 'percent', maxPercent: 60 },
});

async function putReadings(source: ObjectStore, name: string): Promise<void> {
  const rows = [1, 2, 'many'].map((amount) => ({ id: `${name}${amount}`, email: 'a@mail.example', amount }));
  const body = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await source.create({ key: `in/${name}.ndjson`, body });
}

/** Held, refused, resumed, and nobody to be told. */
async function runIntoTrouble(): Promise<void> {
  const source = orders.source as object;
  const auth = { type: 'api-key', header: 'X-Api-Key', secret: 'etl/orders/other-key' };
  await stack.stores.putSecret('etl/orders/other-key', { value: 'not the key' });
  await flow.define({
    ...orders,
    name: 'held',
    source: { ...source, clientCertificate: 'none.example.com' },
  });
  await flow.define({ ...orders, name: 'refused', source: { ...source, auth } });
  await flow.start({ pipeline: 'held', window });
  runs.held = await flow.settled(flow.slotOf('held', window), 'held');
  const slot = flow.slotOf('refused', window);
  await flow.start({ pipeline: 'refused', window });
  runs.refused = await flow.settled(slot, 'failed');
  await stack.slack.stop();
  await flow.start({ pipeline: 'refused', window, existing: 'resume' });
  await flow.hurry('refused');
  await flow.tick();
  await vi.waitFor(() => expect(log.match(/"code":"slack-/)).not.toBeNull(), {
    timeout: 20_000,
    interval: 200,
  });
}

/** Whoever finds an object missing says so, and not that he may not read it. */
async function loseDefinitions(): Promise<void> {
  const { work } = flow.buckets;
  for (const { key, versionId } of await flow.versions(work, 'definitions/'))
    await work.deleteVersion(key, versionId);
  const { ledger } = stack.stores;
  const run = { pipeline: 'refused', runId: runs.refused?.runId ?? '' };
  const [chunk] = await ledger.listChunks(run);
  if (!chunk) throw new Error('the run has no chunk');
  const stages = ['extract', 'transform', 'load'] as const;
  const chunks = stages.map((stage, index) => ({
    ...chunk,
    chunkId: `0000${index + 1}-${stage}`,
    stage,
    nextActionAt: new Date(0),
  }));
  await ledger.addChunks(chunks);
  refusals.push(await flow.call('report-etl', flow.slotOf('held', window)).catch(String));
  await flow.hurry('held');
  refusals.push(JSON.stringify(await flow.tick()));
  for (const { chunkId, stage } of chunks) {
    await goOn();
    await flow.call(`${stage}-records`, { ...run, chunkId });
    endings.push((await ledger.getRun(flow.slotOf('refused', window)))?.failure?.code);
  }
}

/** The refused run as if nothing had happened to it yet. */
const goOn = () =>
  vi.waitFor(async () => {
    const run = await stack.stores.ledger.getRun(flow.slotOf('refused', window));
    if (!run) throw new Error('there is no such run');
    const { failure: _, failedIn: _in, ...rest } = run;
    const again = { ...rest, state: 'extracting' as const, version: run.version + 1 };
    if (!(await stack.stores.ledger.replaceRun(again))) throw new Error('written by another meanwhile');
  });

describe('the roles of the ETL functions', () => {
  it('allow all that runs of every kind do', () => {
    expect(Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, run?.state]))).toMatchObject({
      first: 'reported',
      superseding: 'reported',
      replay: 'reported',
      readings: 'reported',
      readingsAgain: 'reported',
      poor: 'failed',
      held: 'held',
      refused: 'failed',
    });
    expect(runs.readings?.books).toMatchObject({ extracted: 6, quarantined: 2, inserted: 4 });
    expect(runs.poor?.failure?.code).toBe('quality-below-threshold');
    expect(log.match(/.*(AccessDenied|AuthorizationError|not authorized).*/g)).toBeNull();
  });

  it('let each of them tell that an object is missing', () => {
    expect(refusals).toHaveLength(2);
    expect(endings).toEqual(['work-object-missing', 'work-object-missing', 'work-object-missing']);
    for (const refusal of refusals) expect(refusal).toMatch(/is gone; supersede the run/);
  });

  it('allow nothing that none of this needs, but what is not embedded', () => {
    const unused = stack.aws
      .listUnusedPermissions()
      .filter(({ role }) =>
        /^(StartEtl|ExtractRecords|TransformRecords|LoadRecords|ReportEtl)Role$/.test(role),
      )
      // Lambda itself writes the logs here.
      .filter(({ sid }) => sid !== 'WriteLogs')
      .map(({ role, sid, action, resource }) => `${role} ${sid} ${action} ${resource.split(':').at(-1)}`);
    expect(unused).toEqual([
      // S3 asks KMS in the caller's name; here objects are not encrypted.
      'StartEtlRole UseDataKeys kms:GenerateDataKey key/local-etldatakey',
      'StartEtlRole UseDataKeys kms:Decrypt key/local-etldatakey',
      ...leftoversOf('ExtractRecordsRole'),
      ...leftoversOf('TransformRecordsRole'),
      // No answer of S3 is lost, so that no worker finds its own part there already.
      'TransformRecordsRole SetAside s3:GetObject certfleet-dev-etl-quarantine-000000000000/*',
      ...leftoversOf('LoadRecordsRole'),
      'LoadRecordsRole UseDataKeys kms:GenerateDataKey key/local-etldatakey',
      // No chunk is loaded again in fewer parts than before.
      'LoadRecordsRole LoadFiles s3:DeleteObjectVersion certfleet-dev-analytics-000000000000/*',
      'LoadRecordsRole LoadFiles s3:DeleteObjectVersion certfleet-dev-target-*/*',
      ...redshiftOf('LoadRecordsRole LoadRedshift'),
      'ReportEtlRole UseDataKeys kms:GenerateDataKey key/local-etldatakey',
      'ReportEtlRole UseDataKeys kms:Decrypt key/local-etldatakey',
      ...redshiftOf('ReportEtlRole FinishRedshift'),
      // Records are locked in production alone.
      'ReportEtlRole KeepRecords s3:PutObjectRetention certfleet-dev-etl-records-000000000000/*',
      // SNS asks KMS in the publisher's name; here topics are not encrypted.
      'ReportEtlRole EncryptReport kms:GenerateDataKey key/local-reportkey',
      'ReportEtlRole EncryptReport kms:Decrypt key/local-reportkey',
    ]);
  });
});

/** Nobody is overtaken here and wakes up after his run: etl-trouble.test.ts does that. */
function leftoversOf(role: string): readonly string[] {
  const work = 'certfleet-dev-etl-work-000000000000';
  const quarantine = 'certfleet-dev-etl-quarantine-000000000000';
  const setsAside = role === 'TransformRecordsRole';
  return [
    `${role} FindLeftovers s3:ListBucketVersions ${work}`,
    ...(setsAside ? [`${role} FindLeftovers s3:ListBucketVersions ${quarantine}`] : []),
    `${role} EraseLeftovers s3:DeleteObjectVersion ${work}/raw/*`,
    `${role} EraseLeftovers s3:DeleteObjectVersion ${work}/staged/*`,
    ...(setsAside ? [`${role} EraseLeftovers s3:DeleteObjectVersion ${quarantine}/*`] : []),
  ];
}

/** Redshift is not embedded. */
function redshiftOf(statement: string): readonly string[] {
  const [role] = statement.split(' ');
  const actions = ['BatchExecuteStatement', 'ExecuteStatement', 'DescribeStatement', 'GetStatementResult'];
  return [
    ...actions.map((action) => `${statement} redshift-data:${action} *`),
    `${role} ConnectToWorkgroups redshift-serverless:GetCredentials workgroup/*`,
    `${role} ConnectToClusters redshift:GetClusterCredentialsWithIAM */*`,
  ];
}
