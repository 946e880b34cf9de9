import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startS3 } from '../../local/aws/s3.ts';
import { createMemoryObjectStore } from '../../shared/etl/objects/store.memory.ts';
import { createS3ObjectStore } from '../../shared/etl/objects/store.s3.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { describeObjectStoreContract, type ObjectStoreSubject } from './object-store.ts';

describeObjectStoreContract('memory', async () => {
  const store = createMemoryObjectStore(systemClock);
  return { store, deleteLatest: store.deleteLatest, stop: async () => undefined };
});

const overHttp = async (directory: string | undefined): Promise<ObjectStoreSubject> => {
  const server = await startS3({ directory });
  server.createBucket({ name: 'parts', versioned: true, objectLock: true });
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    store: createS3ObjectStore(client, 'parts', { kmsKey: 'alias/parts' }),
    async deleteLatest(key) {
      await client.send(new DeleteObjectCommand({ Bucket: 'parts', Key: key }));
    },
    async stop() {
      client.destroy();
      await server.stop();
      if (directory) rmSync(directory, { recursive: true });
    },
  };
};

describeObjectStoreContract('S3, in memory', () => overHttp(undefined));
describeObjectStoreContract('S3, on disk', () => overHttp(mkdtempSync(join(tmpdir(), 'certfleet-s3-'))));
