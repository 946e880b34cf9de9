import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { openHierarchy } from '../../../local/ca/hierarchy.ts';
import { createIssuer } from '../../../local/ca/issuance.ts';
import { exportKeyPem, generateKeyPair } from '../../../local/ca/key-pair.ts';
import type { Pair, PrivateCa } from '../../../local/etl/certificates.ts';
import { parsePipeline } from '../../../shared/etl/definition/parse-pipeline.ts';
import type { Pipeline } from '../../../shared/etl/definition/pipeline-schema.ts';

export const exampleDefinition = readFileSync(
  new URL('../../../examples/pipelines/orders.json', import.meta.url),
  'utf8',
);

export function examplePipeline(): Pipeline {
  const { pipeline } = parsePipeline(JSON.parse(exampleDefinition));
  if (!pipeline) throw new Error('the example pipeline has problems');
  return pipeline;
}

/** A CA in memory that counts what it issues. */
export async function aPrivateCa(): Promise<PrivateCa & { readonly issued: string[] }> {
  const { rootPem, intermediate } = await openHierarchy(undefined);
  const issuer = createIssuer({
    intermediate,
    validitySeconds: 90 * 86_400,
    serialBytes: () => randomBytes(16),
  });
  const issued: string[] = [];
  return {
    rootPem,
    issued,
    issueDirectly(wanted) {
      issued.push(`${wanted.usage} ${wanted.names.join(' ')}`);
      return issuer.issue(wanted);
    },
  };
}

export async function aPair(
  ca: PrivateCa,
  { name, usage, now = new Date() }: { name: string; usage: 'server' | 'client'; now?: Date },
): Promise<Pair> {
  const { cryptoKeys, publicKey } = await generateKeyPair();
  const { chainPem } = await ca.issueDirectly({ names: [name], publicKey, now, usage });
  return { privateKeyPem: await exportKeyPem(cryptoKeys.privateKey), fullchainPem: chainPem };
}

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: { readonly data: { readonly items: readonly unknown[]; readonly next: string | null } };
}

/** One request over a connection of its own; rejects where the handshake fails. */
export const ask = (options: RequestOptions): Promise<ApiReply> =>
  new Promise((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', servername: 'api.shop.example.com', agent: false, timeout: 5000, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          const zipped = response.headers['content-encoding'] === 'gzip';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            json: JSON.parse((zipped ? gunzipSync(body) : body).toString('utf8')),
          });
        });
      },
    );
    asking.on('error', reject);
    asking.on('timeout', () => asking.destroy(new Error('timeout')));
    asking.end();
  });
