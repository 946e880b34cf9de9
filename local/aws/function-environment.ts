import { devNull } from 'node:os';
import type { ClientSettings } from './messaging.ts';
import type { FunctionPlan } from './stack-plan.ts';

const accessKey = 'local';

export const clientSettings = (region: string): ClientSettings => ({
  region,
  credentials: { accessKeyId: accessKey, secretAccessKey: accessKey },
});

/**
 * Sends every SDK client to loopback. A service that is not embedded is answered by the Lambda endpoint, which
 * refuses it, so that nothing reaches AWS; no configuration of the user's is read.
 */
export function environmentFor(
  region: string,
  endpoints: {
    dynamodb: string;
    secretsManager: string;
    messaging: string;
    s3: string;
    kms: string;
    lambda: string;
  },
): Record<string, string> {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: accessKey,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: endpoints.lambda,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    AWS_ENDPOINT_URL_KMS: endpoints.kms,
    AWS_ENDPOINT_URL_SQS: endpoints.messaging,
    AWS_ENDPOINT_URL_SNS: endpoints.messaging,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_STS: endpoints.messaging,
  };
}

/** A function's variables: its own, and those Lambda sets, the access key among them. */
export function environmentOfFunction(
  plan: FunctionPlan,
  aws: Readonly<Record<string, string>> & { readonly AWS_ACCESS_KEY_ID: string },
): Record<string, string> {
  return {
    ...plan.environment,
    ...aws,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: plan.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(plan.memoryMegabytes),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${plan.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local/[$LATEST]',
    _HANDLER: `dist/${plan.bundle}.${plan.handler}`,
  };
}
