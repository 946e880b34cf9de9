import { readFile } from 'node:fs/promises';
import { createAwsIssuePorts } from '../../shared/renewal/issue-ports.aws.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createMemoryWorkQueue } from '../../shared/renewal/work-queue.memory.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';
import { servePeer } from '../peer.ts';
import { createCertfleetPeer } from './certfleet.ts';

/**
 * certfleet's renewal over the adapters renew-certificate uses, every step stored. The environment is that
 * function's, with the bench's own endpoints; only the queue is in memory.
 */
servePeer(async ({ directoryUrl, rootsFile }) => {
  const env = {
    ...process.env,
    ACME_DIRECTORY_URL: directoryUrl,
    ACME_CA_ROOTS: await readFile(rootsFile, 'utf8'),
  };
  const dynamoDb = createDynamoDb();
  const runner = { ...createAwsRunnerPorts(env, dynamoDb), queue: createMemoryWorkQueue() };
  const secrets = createSecretStore(createSecretsManager());
  return createCertfleetPeer({ runner, issue: createAwsIssuePorts(env, { ...runner, dynamoDb, secrets }) });
});
