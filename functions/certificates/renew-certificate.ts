import { renewalWork } from '../../events/renewal-work.ts';
import { createAwsIssuePorts } from '../../shared/renewal/issue-ports.aws.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import { createWorkHandler } from '../../shared/renewal/work-handler.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';

const dynamoDb = createDynamoDb();
const ports = createAwsRunnerPorts(process.env, dynamoDb);
const issuePorts = createAwsIssuePorts(process.env, {
  ...ports,
  dynamoDb,
  secrets: createSecretStore(createSecretsManager()),
});

export const handler = createWorkHandler({
  message: renewalWork,
  ports,
  createSteps: () => createIssueSteps(issuePorts),
});
