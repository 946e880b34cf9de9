import { randomBytes } from 'node:crypto';
import type { Pipeline } from '../../shared/etl/definition/pipeline-schema.ts';
import { scheduledWindow, type Window } from '../../shared/etl/run/window.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Stores } from '../stores.ts';
import { openPipelineCertificates, type PrivateCa, putPair } from './certificates.ts';
import { type AnsweredRequest, startExampleApi } from './example-api.ts';
import { type ExampleOrder, exampleOrders } from './example-orders.ts';
import { type ExpectedBooks, expectedBooks } from './expected-books.ts';
import { openOrderBook } from './order-book.ts';
import { definePipeline, postgresNames } from './pipeline-definition.ts';
import type { PostgresOptions } from './postgres-options.ts';

export interface PipelineWorldOptions {
  /** A definition's JSON. */
  readonly definitionText: string;
  readonly dataDir: string;
  /** The embedded CA; absent where an outside CA is used. */
  readonly ca?: PrivateCa | undefined;
  readonly stores: Pick<Stores, 'putSecret' | 'vault'>;
  readonly clock: Clock;
  readonly postgres?: PostgresOptions | undefined;
  /** Orders in each window; 5,000 when absent. */
  readonly orderCount?: number | undefined;
}

/** What a pipeline meets on this machine. */
export interface PipelineWorld {
  /** To be uploaded: with the PostgreSQL server when one is given. */
  readonly definition: Readonly<Record<string, unknown>>;
  readonly pipeline: Pipeline;
  /** For ETL_CONNECT_TO: who is reached where instead; empty when nobody is. */
  readonly connectTo: string;
  /** The last window that is over: of the example, it is full of orders. */
  readonly window: Window;
  /** Absent where the pipeline reads from elsewhere than the example API. */
  readonly example?: ExampleShop | undefined;
  stop(): Promise<void>;
}

export interface ExampleShop {
  /** Of the window, in the order of time. */
  readonly orders: readonly ExampleOrder[];
  /** What a run over the window must come to. */
  readonly expected: ExpectedBooks;
  /** What the API was asked, the newest last. */
  readonly requests: readonly AnsweredRequest[];
}

const exampleHost = 'api.shop.example.com';
const exampleClient = 'etl-orders.example.com';

/**
 * Makes ready what a pipeline connects to and what it shows there. A source at api.shop.example.com is the example
 * API, which is started with its certificates and secrets under the names the definition gives; other sources are left
 * as they are. Of the PostgreSQL server the client certificate and the roots are stored.
 * @throws Failure `pipeline-unreadable`, `pipeline-invalid`
 */
export async function preparePipeline(options: PipelineWorldOptions): Promise<PipelineWorld> {
  const { definitionText, stores, clock, postgres } = options;
  const { definition, pipeline } = definePipeline(definitionText, { place: 'to be run', postgres });
  if (postgres) await storePostgres(stores, postgres);
  const { everySeconds, offsetSeconds, lagSeconds } = pipeline.window;
  const window = scheduledWindow({ lengthSeconds: everySeconds, offsetSeconds, lagSeconds }, clock.now());
  const prepared = { definition, pipeline, window };
  const { source } = pipeline;
  const url = source.type === 'https' ? new URL(source.url) : undefined;
  if (source.type !== 'https' || url?.hostname !== exampleHost)
    return { ...prepared, connectTo: '', stop: async () => {} };

  const apiKey = randomBytes(24).toString('base64url');
  const certificates = await openPipelineCertificates({
    dataDir: options.dataDir,
    ca: options.ca,
    vault: stores.vault,
    serverName: exampleHost,
    clientName: source.clientCertificate ?? exampleClient,
    clock,
  });
  if (source.caSecret) await stores.putSecret(source.caSecret, { pem: certificates.rootPem });
  if (source.auth?.type === 'api-key') await stores.putSecret(source.auth.secret, { value: apiKey });
  const api = await startExampleApi({
    serverPair: certificates.server,
    clientRoots: certificates.rootPem,
    apiKey,
    orders: openOrderBook({ everySeconds, offsetSeconds, count: options.orderCount }),
    clock,
  });
  const orders = exampleOrders(window, options.orderCount);
  return {
    ...prepared,
    connectTo: `${exampleHost}:${url.port || 443}=127.0.0.1:${api.port}`,
    example: { orders, expected: expectedBooks(orders), requests: api.requests },
    stop: api.stop,
  };
}

async function storePostgres(
  { putSecret, vault }: PipelineWorldOptions['stores'],
  { certificatePem: fullchainPem, privateKeyPem, caPem }: PostgresOptions,
): Promise<void> {
  await putPair(vault, postgresNames.clientCertificate, { privateKeyPem, fullchainPem });
  await putSecret(postgresNames.caSecret, { pem: caPem });
}
