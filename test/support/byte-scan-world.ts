import { X509Certificate } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { findBundles } from '../../local/aws/bundles.ts';
import { type EmbeddedAws, startEmbeddedAws } from '../../local/aws/embedded-aws.ts';
import { synthesizeTemplate } from '../../local/aws/synthesize.ts';
import { type PipelineWorld, preparePipeline } from '../../local/etl/pipeline-world.ts';
import { type SlackSink, startSlackSink } from '../../local/slack-sink.ts';
import { type SmtpSink, startSmtpSink } from '../../local/smtp-sink.ts';
import { openStores, type Stores } from '../../local/stores.ts';
import type { TlsPeer } from '../../shared/etl/connections/tls-peer.ts';
import type { GateVerdict } from '../../shared/etl/gate/gate.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { scopeKey } from '../../shared/etl/run/scope.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { type Evidence, recordRequests, textEvidence } from './byte-scan-evidence.ts';
import { type HostileServer, startHostileApi, startHostileDatabase } from './byte-scan-hostile.ts';
import { trackThreads } from './byte-scan-threads.ts';
import {
  arrangeTroubles,
  hostileHost,
  hostilePassword,
  hostileRoots,
  type Trouble,
} from './byte-scan-troubles.ts';
import { createTestCa } from './test-ca.ts';

export const service = 'certfleet-dev';
const secretsPrefix = 'certfleet/dev';
const lookMillis = 100;
const tickMillis = 3_000;
const patienceMillis = 90_000;

export interface ScannedWorld {
  readonly aws: EmbeddedAws;
  readonly stores: Stores;
  readonly s3: S3Client;
  readonly slack: SlackSink;
  readonly smtp: SmtpSink;
  /** What the mail channel is to know of the server. */
  readonly smtpSecret: {
    readonly host: string;
    readonly port: number;
    readonly from: string;
    readonly ca: string;
  };
  readonly shop: PipelineWorld;
  readonly troubles: readonly Trouble[];
  /** The hostile ends, as a gate that found them good would hand them on. */
  readonly peers: GateVerdict['peers'];
  /** Of the hostile API, sorted. */
  readonly paths: readonly string[];
  readonly api: HostileServer;
  readonly database: HostileServer;
  readonly dataDir: string;
  /** A variable of a function, such as the name of a table or of a bucket. */
  settingOf(functionName: string, variable: string): string;
  /** Starts a pipeline's run about the shop's window and answers what start-etl said. */
  start(definition: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Ticks as the schedule would until a run is as wanted; the one about the shop's window by default. */
  watch(slot: { pipeline: string; scopeKey?: string }, wanted: (run: Run) => Promise<boolean>): Promise<Run>;
  /** Ends the worker threads of a function, as a machine that fails would, when a request to such a path begins. */
  killOn(functionName: string, path: RegExp): Promise<number>;
  /** What has been printed, sent and answered so far. */
  told(): Evidence[];
  stop(): Promise<void>;
}

/** The deployed functions over an example shop and over an API and a database that mean ill; everything they say is kept. */
export async function startScannedWorld(options: {
  readonly dataDir: string;
  readonly exampleText: string;
  readonly orderCount: number;
  /** What the hostile ends have at hand. */
  readonly pickOrders: (shop: PipelineWorld) => Parameters<typeof arrangeTroubles>[1];
}): Promise<ScannedWorld> {
  const { dataDir, exampleText } = options;
  const requests = recordRequests();
  const stops: (() => unknown)[] = [() => requests.stop()];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  const started = <Service extends { stop(): Promise<void> }>(each: Service): Service => {
    stops.push(() => each.stop());
    return each;
  };
  try {
    const logs: string[] = [];
    const threads = trackThreads();
    stops.push(threads.stop);
    const settings: Record<string, string> = {};
    const [template, bundles, ca] = await Promise.all([
      synthesizeTemplate({ stage: 'dev' }),
      findBundles(),
      createTestCa(),
    ]);
    const aws = started(
      await startEmbeddedAws({
        template,
        bundles,
        dataDir,
        onLog: (name, text) => logs.push(`${name} ${text}`),
        compileCacheDirectory: fileURLToPath(
          new URL('../../node_modules/.cache/certfleet/compiled', import.meta.url),
        ),
        environmentsPerFunction: 2,
        asyncRetryDelaysMillis: [100, 200],
        functionEnvironment: (name) => {
          threads.expect(name);
          return settings;
        },
      }),
    );
    const stores = openStores(aws.environment, { service, secretsPrefix });
    const shop = started(
      await preparePipeline({
        definitionText: exampleText,
        dataDir,
        stores,
        clock,
        orderCount: options.orderCount,
      }),
    );
    const orders = options.pickOrders(shop);
    const { troubles, answers } = arrangeTroubles({ ...shop.definition }, orders);
    const pair = await ca.issue({ domains: [hostileHost], usages: ['serverAuth'] });
    const api = started(await startHostileApi(pair, answers));
    const quoted = orders.slice(0, 3).flatMap(({ customer: { name, email, city } }) => [name, email, city]);
    const database = started(await startHostileDatabase(pair, quoted));
    const slack = started(await startSlackSink());
    const mailPair = await ca.issue({ domains: [], addresses: ['127.0.0.1'] });
    const smtp = started(await startSmtpSink({ pair: mailPair }));
    const smtpSecret = {
      host: '127.0.0.1',
      port: smtp.port,
      from: 'certfleet@example.com',
      ca: ca.rootPem,
    };
    settings.ETL_CONNECT_TO = [
      shop.connectTo,
      `${hostileHost}:443=127.0.0.1:${api.port}`,
      `${hostileHost}:5432=127.0.0.1:${database.port}`,
    ].join();
    await Promise.all([
      stores.putSecret(hostileRoots, { pem: ca.rootPem }),
      stores.putSecret(hostilePassword, { value: 'let me in' }),
      stores.putSecret('webhooks/slack', { url: slack.url }),
      stores.putSecret('smtp', smtpSecret),
    ]);
    const s3 = new S3Client({
      endpoint: aws.environment.AWS_ENDPOINT_URL_S3 ?? '',
      region: aws.environment.AWS_REGION ?? '',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      forcePathStyle: true,
    });
    stops.push(() => s3.destroy());
    const settingOf = (functionName: string, variable: string) => {
      const plan = aws.functions.find(({ bundle }) => bundle === functionName);
      return (plan?.environment[variable] ?? '').replace('{account}', plan?.arn.split(':')[4] ?? '');
    };
    const { from, to } = shop.window;
    let nextTickAt = 0;
    const tick = async () => {
      if (clock.now().getTime() < nextTickAt) return;
      nextTickAt = clock.now().getTime() + tickMillis;
      await aws.lambda.call('start-etl', { trigger: 'schedule' });
    };
    return {
      peers: peersOf({ roots: ca.rootPem, leafPem: pair.leafPem, api, database }),
      paths: Object.keys(answers).sort(),
      ...{
        aws,
        stores,
        s3,
        slack,
        smtp,
        smtpSecret,
        shop,
        troubles,
        api,
        database,
        dataDir,
        settingOf,
        stop,
      },
      async start(definition) {
        const Key = `pipelines/${definition.name}.json`;
        const Bucket = settingOf('start-etl', 'ETL_CATALOGUE_BUCKET');
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(definition) }));
        const window = { from: from.toISOString(), to: to.toISOString() };
        return aws.lambda.call('start-etl', { pipeline: definition.name, window });
      },
      async watch({ pipeline, scopeKey: key = scopeKey({ kind: 'window', from, to }) }, wanted) {
        const endsAt = clock.now().getTime() + patienceMillis;
        for (;;) {
          const run = await stores.ledger.getRun({ pipeline, scopeKey: key });
          if (run && (await wanted(run))) return run;
          if (clock.now().getTime() > endsAt)
            throw new Error(
              `${pipeline} stays ${run?.state} ${run?.failure?.code}:\n${logs
                .filter((text) => text.includes('"ERROR"'))
                .slice(-10)
                .join('')}`,
            );
          await tick();
          await clock.sleep(lookMillis);
        }
      },
      async killOn(functionName, path) {
        await new Promise<void>((resolve) => {
          requests.onBegin = (method, url) => {
            if (method === 'PUT' && path.test(url)) resolve();
          };
        });
        requests.onBegin = undefined;
        return threads.kill(functionName);
      },
      told: () => [
        ...requests.read(portsOf(aws, slack)),
        ...logs.map((text) => textEvidence('logs', text)),
        ...slack.posts.map((post) => textEvidence('slack', post)),
        ...smtp.messages.map((mail) => textEvidence('mail', mail)),
      ],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function peersOf(ends: {
  readonly roots: string;
  readonly leafPem: string;
  readonly api: HostileServer;
  readonly database: HostileServer;
}): GateVerdict['peers'] {
  const { roots, api, database } = ends;
  const { fingerprint256 } = new X509Certificate(ends.leafPem);
  const fingerprints = [fingerprint256.replaceAll(':', '').toLowerCase()];
  const peerAt = (port: number, server: HostileServer): TlsPeer => ({
    ...{ host: hostileHost, port, roots, fingerprints },
    connectTo: { host: '127.0.0.1', port: server.port },
  });
  return new Map([
    ['source', peerAt(443, api)],
    ['destination/0', peerAt(5432, database)],
  ]);
}

function portsOf({ environment }: EmbeddedAws, slack: SlackSink): ReadonlyMap<number, string> {
  const places = {
    DYNAMODB: 'dynamodb',
    SECRETS_MANAGER: 'secrets',
    KMS: 'kms',
    SQS: 'messages',
    S3: 's3',
    LAMBDA: 'lambda',
  };
  const ports = Object.entries(places).map(
    ([name, place]) => [Number(new URL(environment[`AWS_ENDPOINT_URL_${name}`] ?? '').port), place] as const,
  );
  return new Map([...ports, [Number(new URL(slack.url).port), 'slack'] as const]);
}
