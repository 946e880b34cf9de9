import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../../runtime/errors.ts';
import { endpointTlsFailure } from '../connections/endpoint-tls.ts';
import type { PipelineCatalogue } from './ports.ts';

const prefix = 'pipelines/';
/** A thousand columns, each described, take a tenth of it. */
const largestDefinitionBytes = 4 * 1024 * 1024;

/** Definitions as objects `pipelines/<name>.json` of a bucket. */
export function createS3Catalogue(client: S3Client, bucket: string): PipelineCatalogue {
  const place = (name: string) => `s3://${bucket}/${prefix}${name}.json`;
  return {
    async list() {
      const names: string[] = [];
      let next: string | undefined;
      do {
        const page = { Bucket: bucket, Prefix: prefix, ContinuationToken: next };
        const command = new ListObjectsV2Command(page);
        const { Contents = [], NextContinuationToken } = await reach(place('*'), () => client.send(command));
        for (const { Key = '' } of Contents) {
          const name = /^pipelines\/([a-z0-9-]+)\.json$/.exec(Key)?.[1];
          if (name) names.push(name);
        }
        next = NextContinuationToken;
      } while (next);
      return names.sort();
    },
    async read(name) {
      const command = new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${name}.json` });
      try {
        const { Body, ContentLength = 0 } = await client.send(command);
        if (ContentLength > largestDefinitionBytes) throw unreadable(place(name), 'is over 4 MiB');
        return parse(place(name), (await Body?.transformToString('utf8')) ?? '');
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error instanceof Failure ? error : unavailable(place(name), error);
      }
    },
  };
}

function parse(place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The rest of the message quotes the definition.
    const [where] = /\(line \d+ column \d+\)$/.exec((error as Error).message) ?? [];
    throw unreadable(place, ['is no JSON', ...(where ? [where] : [])].join(' '));
  }
}

async function reach<Answer>(place: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw unavailable(place, error);
  }
}

const unreadable = (place: string, what: string) =>
  new Failure({ code: 'definition-unreadable', disposition: 'give-up', message: `${place} ${what}` });

const unavailable = (place: string, cause: unknown) =>
  endpointTlsFailure(cause, `the endpoint of ${place}`) ??
  new Failure({
    code: 'catalogue-unavailable',
    disposition: 'retry',
    message: `${place} cannot be read (${(cause as Error).name}); check the bucket and the role`,
    cause,
  });
