import { arnOf, type RequestBody, type ServiceCall, textOf } from './call.ts';

const onSecret = new Set([
  'GetSecretValue',
  'PutSecretValue',
  'DescribeSecret',
  'ListSecretVersionIds',
  'UpdateSecret',
  'UpdateSecretVersionStage',
  'DeleteSecret',
  'RestoreSecret',
  'TagResource',
  'UntagResource',
]);

/** Six random characters end a secret's ARN; a policy that names the secret has to leave room for them. */
const anySuffix = '-??????';
const suffix = /-[A-Za-z0-9]{6}$/;

/** A call of Secrets Manager on one secret; to create one with tags takes TagResource too. */
export function readSecretsManagerCall(name: string, body: RequestBody, region: string): ServiceCall {
  const operation = `secretsmanager:${name}`;
  if (name === 'ListSecrets') return { operation, needs: [{ action: operation, resource: '*' }] };
  const secret = textOf(body, name === 'CreateSecret' ? 'Name' : 'SecretId');
  if (secret === undefined || !(onSecret.has(name) || name === 'CreateSecret')) {
    return { operation, needs: undefined };
  }
  const complete = secret.startsWith('arn:') && suffix.test(secret);
  const arn = arnOf('secretsmanager', region, secret.startsWith('arn:') ? secret : `secret:${secret}`);
  const resource = complete ? arn : `${arn}${anySuffix}`;
  const needs = [{ action: operation, resource }];
  if (name === 'CreateSecret' && Array.isArray(body.Tags) && body.Tags.length > 0) {
    needs.push({ action: 'secretsmanager:TagResource', resource });
  }
  return { operation, needs };
}
