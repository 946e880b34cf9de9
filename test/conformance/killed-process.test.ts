import { type ChildProcess, fork } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTlsEndpoint, type TlsEndpoint } from '../../local/endpoints/tls.ts';
import { createSecretsManagerKeyVault } from '../../shared/certificates/vault.secrets-manager.ts';
import type { KeyVault } from '../../shared/certificates/vault.ts';
import { stepNames } from '../../shared/renewal/renewal.ts';
import { mapBounded } from '../../shared/runtime/concurrency.ts';
import { createSecretStore } from '../../shared/runtime/secrets.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';
import { describeFault, type Fault, type Point, type Row } from '../support/faults.ts';
import type { IssueWorld } from '../support/issue-world.ts';
import type { Report, Task } from './doomed-worker.ts';
import { type EmbeddedCloud, startEmbeddedCloud } from './embedded-cloud.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { countPebbleLog } from './pebble-log.ts';
import { openPebbleWorld, readWholeLog } from './pebble-world.ts';

const killsAtOnce = 2;
const patienceMillis = 60_000;
const kill = (row: Row, point: Point): Fault => ({ row, point, mode: 'kill' });
/** Every step after its effect, and the moments around those that the CA counts. */
const kills: readonly Fault[] = [
  kill('claim', 'after-effect'),
  ...stepNames.map((step) => kill(step, 'after-effect')),
  kill('report', 'after-effect'),
  kill('place-order', 'before-effect'),
  kill('place-order', 'after-write'),
  kill('finalize-order', 'before-effect'),
  kill('collect-certificate', 'before-effect'),
  kill('record-certificate', 'after-write'),
  kill('report', 'after-write'),
];

let pebble: Pebble;
let cloud: EmbeddedCloud;
let world: IssueWorld;
let endpoint: TlsEndpoint;
let directory: string;
let vault: KeyVault;
beforeAll(async () => {
  pebble = await startPebble();
  cloud = await startEmbeddedCloud();
  world = await openPebbleWorld(pebble, cloud.stores.answers);
  directory = await mkdtemp(join(tmpdir(), 'certfleet-killed-'));
  endpoint = await startTlsEndpoint({ deployDirectory: directory, answers: cloud.stores.answers });
  await cloud.stores.putSecret('dns/rfc2136', { tsigSecret: world.dnsSettings.tsigSecret });
  vault = openVault(cloud.environment);
});
afterAll(async () => {
  await endpoint.stop();
  await world.stop();
  await cloud.stop();
  await pebble.stop();
  await rm(directory, { recursive: true, force: true });
});

it('a worker process killed at any step costs no certificate, no key and no order', async () => {
  const renewals = kills.map((fault, index) => ({ fault, name: `k${index}.test` }));
  await mapBounded(renewals, killsAtOnce, async ({ fault, name }) => killOne(name, fault));
  const finisher = await startWorker();
  const results = await mapBounded(renewals, 4, ({ name }) => finish(finisher, name));
  await end(finisher);
  const { ordersIssued } = countPebbleLog(await readWholeLog(pebble));
  const problems = await Promise.all(
    renewals.map(async ({ fault, name }, index) => {
      const found = await findProblems(name, ordersIssued);
      return found.length === 0 ? [] : [`${describeFault(fault)}: ${found.join('; ')}; ${results[index]}`];
    }),
  );
  const failures = problems.flat();
  console.log([`killed processes ${kills.length - failures.length}/${kills.length}`, ...failures].join('\n'));
  expect(failures).toEqual([]);
  expect(ordersIssued).toHaveLength(kills.length);
}, 240_000);

const workOf = (name: string) => ({ certificateName: name, generation: 1, runId: 'killed' });

/** Opens a renewal and has a process begin it that is killed where `fault` says. */
async function killOne(name: string, fault: Fault): Promise<void> {
  const { certificates, renewals } = cloud.stores;
  const challenge = kills.indexOf(fault) % 2 === 0 ? ('http-01' as const) : ('dns-01' as const);
  const policy = aPolicy({ domains: [name], challenge, dnsPlugin: 'rfc2136' });
  await certificates.track({ name, policy, now: new Date() });
  await renewals.open(aRenewal({ certificateName: name, policy }));
  const child = await startWorker();
  const report = await ask(child, { work: workOf(name), stopAt: fault });
  process.kill(child.pid ?? 0, 'SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (report.kind !== 'stopped') throw new Error(`${describeFault(fault)}: ${JSON.stringify(report)}`);
  await renewals.breakLease(workOf(name), new Date());
}

/** Has another process carry the renewal on until it has ended. */
async function finish(worker: ChildProcess, name: string): Promise<string> {
  const { renewals } = cloud.stores;
  let last = '';
  for (let deliveries = 0; deliveries < 3; deliveries++) {
    if ((await renewals.get(workOf(name)))?.outcome) break;
    const report = await ask(worker, { work: workOf(name) });
    last = JSON.stringify(report.kind === 'done' ? report.result : report);
  }
  return last;
}

async function findProblems(name: string, ordersIssued: readonly string[]): Promise<string[]> {
  const renewal = await cloud.stores.renewals.get(workOf(name));
  const staged = await vault.readStagedKey({ name, generation: 1 });
  const pair = await vault.readCurrent(name);
  const orderId = renewal?.order?.url.split('/').at(-1) ?? '';
  const times = ordersIssued.filter((id) => id === orderId).length;
  const leaf = pair && new X509Certificate(pair.fullchainPem);
  const fits = leaf?.checkPrivateKey(createPrivateKey(pair?.privateKeyPem ?? ''));
  const outcomes = (await cloud.stores.runs.listOutcomes('killed')).filter(
    ({ certificateName }) => certificateName === name,
  );
  const current = (await cloud.stores.certificates.get(name))?.current;
  return [
    ...(renewal?.outcome === 'renewed' ? [] : [`it ended as ${renewal?.outcome} at ${renewal?.step}`]),
    ...(times === 1 ? [] : [`its order was issued ${times} times`]),
    ...(fits && staged?.privateKeyPem === pair?.privateKeyPem ? [] : ['its key is not the staged one']),
    ...(leaf && current?.serial === leaf.serialNumber.toLowerCase() ? [] : ['the record names another']),
    ...(renewal?.challenges.length === 0 ? [] : ['proofs are left on show']),
    ...(outcomes.length === 1 && outcomes[0]?.result === 'renewed' ? [] : ['the run was not told']),
  ];
}

async function startWorker(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'doomed-worker.ts'), {
    execArgv: [],
    env: {
      PATH: process.env.PATH,
      ...cloud.environment,
      ...world.dnsSettings.env,
      DNS_PLUGIN_STAND_IN: 'rfc2136',
      DNS_PROPAGATION_SERVERS: `127.0.0.1:${world.dnsPort}`,
      DNS_PROPAGATION_PASSES: '1',
      ACME_DIRECTORY_URL: pebble.directoryUrl,
      ACME_CA_ROOTS: await readFile(pebble.rootsFile, 'utf8'),
      DEPLOY_DIRECTORY: directory,
      VERIFY_PORT: String(endpoint.port),
    },
  });
  const [ready] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the worker process did not start');
    }),
  ])) as [Report];
  if (ready.kind !== 'ready') throw new Error(JSON.stringify(ready));
  return child;
}

/** Gives a process its task and waits for what it has to say of it. */
function ask(child: ChildProcess, task: Task): Promise<Report> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => leave(() => reject(new Error(`no word of ${task.work.certificateName}`))),
      patienceMillis,
    );
    const hear = (message: unknown) => {
      const report = message as Report;
      if (report.kind === 'done' && report.certificateName !== task.work.certificateName) return;
      leave(() => resolve(report));
    };
    const leave = (then: () => void) => {
      clearTimeout(timer);
      child.off('message', hear);
      then();
    };
    child.on('message', hear);
    child.send(task);
  });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

function openVault(environment: Readonly<Record<string, string>>): KeyVault {
  const client = new SecretsManagerClient({
    region: 'eu-west-1',
    endpoint: environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return createSecretsManagerKeyVault(createSecretStore(client), environment.SECRETS_PREFIX ?? '');
}
