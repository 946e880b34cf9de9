import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publishedLimits, scaleLimits } from '../shared/limits/published-limits.ts';
import { systemClock } from '../shared/runtime/clock.ts';
import { findBundles } from './aws/bundles.ts';
import { type EmbeddedAws, startEmbeddedAws } from './aws/embedded-aws.ts';
import { invokeFunctionUrl } from './aws/function-url.ts';
import { synthesizeTemplate } from './aws/synthesize.ts';
import { type AcmeCa, startAcmeCa } from './ca/ca.ts';
import { letsEncryptLimits } from './ca/limits.ts';
import type { PipelineWorld } from './etl/pipeline-world.ts';
import type { PostgresOptions } from './etl/postgres-options.ts';
import { type Neighbourhood, startNeighbourhood } from './neighbourhood.ts';
import { type SlackSink, startSlackSink } from './slack-sink.ts';
import { openStores, type Stores } from './stores.ts';

const stage = 'dev';
const compileCacheDirectory = fileURLToPath(
  new URL('../node_modules/.cache/certfleet/compiled', import.meta.url),
);

export interface StackOptions {
  readonly dataDir: string;
  readonly directoryUrl?: string | undefined;
  readonly caRoots?: string | undefined;
  readonly limitsFactor?: number | undefined;
  readonly httpPort?: number | undefined;
  readonly tlsPort?: number | undefined;
  readonly dnsPort?: number | undefined;
  /** The pipeline to be made ready; none when absent. */
  readonly pipelineText?: string | undefined;
  readonly postgres?: PostgresOptions | undefined;
  /** Orders in each window of the example; 5,000 when absent. */
  readonly orderCount?: number | undefined;
  readonly onLog?: ((functionName: string, text: string) => void) | undefined;
}

/** certfleet as deployed, with everything it would meet, on loopback. */
export interface LocalStack {
  readonly aws: EmbeddedAws;
  readonly neighbourhood: Neighbourhood;
  readonly stores: Stores;
  readonly slack: SlackSink;
  /** Absent where an outside CA is used. */
  readonly ca?: AcmeCa | undefined;
  /** What the pipeline meets; absent where there is none. */
  readonly pipelineWorld?: PipelineWorld | undefined;
  readonly directoryUrl: string;
  readonly dataDir: string;
  /** A shell file that points SDK clients and `sls` at this stack. */
  readonly environmentFile: string;
  stop(): Promise<void>;
}

/**
 * Starts the stack: tables, queues, topics and functions come from serverless.yml, the functions run from the
 * bundles that are deployed. What `dataDir` holds from before is taken up.
 */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const { dataDir, onLog } = options;
  const deployDirectory = join(dataDir, 'deployed');
  const stops: (() => Promise<void>)[] = [];
  const started = <Service extends { stop(): Promise<void> }>(service: Service): Service => {
    stops.unshift(() => service.stop());
    return service;
  };
  const stop = async () => {
    for (const each of stops.splice(0)) await each();
  };
  try {
    const [template, bundles] = await Promise.all([synthesizeTemplate({ stage }), findBundles()]);
    const functionSettings: Record<string, string> = {
      DEPLOY_DIRECTORY: deployDirectory,
      RELOAD_PROGRAMS: '*',
    };
    const aws = await startEmbeddedAws({
      template,
      bundles,
      dataDir,
      onLog,
      compileCacheDirectory,
      environmentsPerFunction: Math.max(2, availableParallelism()),
      functionEnvironment: () => functionSettings,
    });
    const stores = openStores(aws.environment, {
      service: `certfleet-${stage}`,
      secretsPrefix: `certfleet/${stage}`,
    });
    const neighbourhood = started(
      await startNeighbourhood({
        ...options,
        deployDirectory,
        answers: stores.answers,
        answerChallenge: async ({ method, path, host }) => {
          const answer = await invokeFunctionUrl(aws.lambda, 'answer-challenge', {
            method,
            path,
            headers: { host },
          });
          return { ...answer, body: answer.body.toString('utf8') };
        },
      }),
    );
    stops.unshift(() => aws.stop({ graceMillis: 500 }));
    const slack = started(await startSlackSink());
    // Started last, so that it ends first: a CA that still validates while answers end would find every proof wrong.
    const ca = options.directoryUrl ? undefined : started(await startCa(neighbourhood, options));
    const directoryUrl = options.directoryUrl ?? ca?.directoryUrl ?? '';
    const pipelineWorld = await preparePipelineWorld({ ...options, ca, stores });
    if (pipelineWorld) started(pipelineWorld);
    Object.assign(
      functionSettings,
      settingsFor(neighbourhood, { directoryUrl, roots: options.caRoots ?? ca?.rootPem }),
      limitsFor(options),
      pipelineWorld ? { ETL_CONNECT_TO: pipelineWorld.connectTo } : {},
    );
    await stores.putSecret('dns/rfc2136', { tsigSecret: neighbourhood.tsig.secret });
    await stores.putSecret('webhooks/slack', { url: slack.url });
    const environmentFile = join(dataDir, 'environment.sh');
    writeEnvironment(environmentFile, { ...aws.environment, ...functionSettings });
    return {
      aws,
      neighbourhood,
      stores,
      slack,
      ca,
      pipelineWorld,
      directoryUrl,
      dataDir,
      environmentFile,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Loaded where a pipeline is wanted alone: contracts and filters bring engines of their own. */
async function preparePipelineWorld({
  pipelineText,
  ...options
}: StackOptions & { ca: AcmeCa | undefined; stores: Stores }): Promise<PipelineWorld | undefined> {
  if (pipelineText === undefined) return undefined;
  const { preparePipeline } = await import('./etl/pipeline-world.ts');
  return preparePipeline({ ...options, definitionText: pipelineText, clock: systemClock });
}

const startCa = (
  neighbourhood: Neighbourhood,
  { dataDir, limitsFactor: timeScale }: StackOptions,
): Promise<AcmeCa> =>
  startAcmeCa({
    ...(timeScale && { limits: { ...letsEncryptLimits, timeScale } }),
    httpPort: () => neighbourhood.ports.http,
    tlsPort: () => neighbourhood.ports.tls,
    dnsServer: () => ({ host: '127.0.0.1', port: neighbourhood.ports.dns }),
    dataDir: join(dataDir, 'ca'),
  });

/** What serverless.yml leaves to the place it runs in. */
function settingsFor(
  { dnsPort, tlsPort, tsig }: Neighbourhood,
  { directoryUrl, roots }: { directoryUrl: string; roots: string | undefined },
): Record<string, string> {
  return {
    ACME_DIRECTORY_URL: directoryUrl,
    ...(roots ? { ACME_CA_ROOTS: roots, VERIFY_CA_ROOTS: roots } : {}),
    DNS_PLUGIN_STAND_IN: 'rfc2136',
    RFC2136_SERVER: `127.0.0.1:${dnsPort}`,
    RFC2136_TSIG_KEY_NAME: tsig.keyName,
    DNS_PROPAGATION_SERVERS: `127.0.0.1:${dnsPort}`,
    DNS_PROPAGATION_PASSES: '1',
    DNS_PROPAGATION_POLL_MILLIS: '50',
    VERIFY_CONNECT_TO: `127.0.0.1:${tlsPort}`,
  };
}

/** The functions know of the embedded CA's limits what Let's Encrypt publishes. */
const limitsFor = ({ limitsFactor }: StackOptions): Record<string, string> =>
  limitsFactor === undefined
    ? {}
    : { ACME_LIMITS: JSON.stringify(scaleLimits(publishedLimits('lets-encrypt'), limitsFactor)) };

function writeEnvironment(path: string, environment: Readonly<Record<string, string>>): void {
  const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
}
