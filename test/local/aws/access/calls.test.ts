import { describe, expect, test } from 'vitest';
import type { ServiceCall } from '../../../../local/aws/access/calls/call.ts';
import { readDynamoDbCall } from '../../../../local/aws/access/calls/dynamodb.ts';
import { readKmsCall } from '../../../../local/aws/access/calls/kms.ts';
import { readLambdaCall } from '../../../../local/aws/access/calls/lambda.ts';
import { readS3Absence, readS3Call } from '../../../../local/aws/access/calls/s3.ts';
import { readSecretsManagerCall } from '../../../../local/aws/access/calls/secrets-manager.ts';
import { readSnsCall } from '../../../../local/aws/access/calls/sns.ts';
import { readSqsCall } from '../../../../local/aws/access/calls/sqs.ts';

const region = 'eu-west-1';
const at = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:000000000000:${rest}`;
/** `action resource` each; undefined where the call is not known. */
const needsOf = ({ needs }: ServiceCall) => needs?.map(({ action, resource }) => `${action} ${resource}`);

describe('DynamoDB', () => {
  test.each([
    ['GetItem', { TableName: 't' }, [`dynamodb:GetItem ${at('dynamodb', 'table/t')}`]],
    ['Scan', { TableName: 't' }, [`dynamodb:Scan ${at('dynamodb', 'table/t')}`]],
    [
      'Query',
      { TableName: 't', IndexName: 'due' },
      [`dynamodb:Query ${at('dynamodb', 'table/t/index/due')}`],
    ],
    ['PutItem', { TableName: at('dynamodb', 'table/t') }, [`dynamodb:PutItem ${at('dynamodb', 'table/t')}`]],
    [
      'BatchWriteItem',
      { RequestItems: { t: [], u: [] } },
      [
        `dynamodb:BatchWriteItem ${at('dynamodb', 'table/t')}`,
        `dynamodb:BatchWriteItem ${at('dynamodb', 'table/u')}`,
      ],
    ],
    ['ExecuteStatement', { Statement: 'SELECT * FROM t' }, undefined],
    ['DeleteTable', { TableName: 't' }, undefined],
    ['GetItem', {}, undefined],
  ])('%s of %j', (name, body, needs) => {
    expect(needsOf(readDynamoDbCall(name, body, region))).toEqual(needs);
  });
});

describe('Secrets Manager', () => {
  const anySecret = at('secretsmanager', 'secret:a/b-??????');
  test.each([
    ['GetSecretValue', { SecretId: 'a/b' }, [`secretsmanager:GetSecretValue ${anySecret}`]],
    [
      'GetSecretValue',
      { SecretId: at('secretsmanager', 'secret:a/b') },
      [`secretsmanager:GetSecretValue ${anySecret}`],
    ],
    [
      'GetSecretValue',
      { SecretId: at('secretsmanager', 'secret:a/b-AbCd12') },
      [`secretsmanager:GetSecretValue ${at('secretsmanager', 'secret:a/b-AbCd12')}`],
    ],
    ['CreateSecret', { Name: 'a/b', Tags: [] }, [`secretsmanager:CreateSecret ${anySecret}`]],
    [
      'CreateSecret',
      { Name: 'a/b', Tags: [{ Key: 'k', Value: 'v' }] },
      [`secretsmanager:CreateSecret ${anySecret}`, `secretsmanager:TagResource ${anySecret}`],
    ],
    ['ListSecrets', {}, ['secretsmanager:ListSecrets *']],
    ['PutResourcePolicy', { SecretId: 'a/b' }, undefined],
  ])('%s of %j', (name, body, needs) => {
    expect(needsOf(readSecretsManagerCall(name, body, region))).toEqual(needs);
  });
});

describe('SQS', () => {
  const QueueUrl = 'http://127.0.0.1:1/000000000000/work';
  test.each([
    ['SendMessage', { QueueUrl }, 'sqs:SendMessage'],
    ['SendMessageBatch', { QueueUrl }, 'sqs:SendMessage'],
    ['DeleteMessageBatch', { QueueUrl }, 'sqs:DeleteMessage'],
    ['ChangeMessageVisibilityBatch', { QueueUrl }, 'sqs:ChangeMessageVisibility'],
    ['ReceiveMessage', { QueueUrl }, 'sqs:ReceiveMessage'],
    ['GetQueueUrl', { QueueName: 'work' }, 'sqs:GetQueueUrl'],
  ])('%s of %j', (name, body, action) => {
    expect(needsOf(readSqsCall(name, body, region))).toEqual([`${action} ${at('sqs', 'work')}`]);
  });

  test('an administrative call is not known', () => {
    expect(readSqsCall('DeleteQueue', { QueueUrl }, region)).toEqual({
      operation: 'sqs:DeleteQueue',
      needs: undefined,
    });
  });
});

describe('SNS', () => {
  test.each([
    [{ Action: 'Publish', TopicArn: at('sns', 'reports') }, [`sns:Publish ${at('sns', 'reports')}`]],
    [{ Action: 'CreateTopic', Name: 'reports' }, [`sns:CreateTopic ${at('sns', 'reports')}`]],
    [{ Action: 'ListTopics' }, ['sns:ListTopics *']],
    [{ Action: 'Publish', PhoneNumber: '+100' }, undefined],
    [{ Action: 'Subscribe', TopicArn: at('sns', 'reports') }, undefined],
    [{ Action: 'GetCallerIdentity' }, []],
  ])('%j', (form, needs) => {
    expect(needsOf(readSnsCall(form, region))).toEqual(needs);
  });
});

describe('S3', () => {
  test.each([
    ['GET', '/b/a%20key/x.json?x-id=GetObject', ['s3:GetObject arn:aws:s3:::b/a key/x.json']],
    ['HEAD', '/b/k', ['s3:GetObject arn:aws:s3:::b/k']],
    ['GET', '/b/k?versionId=1', ['s3:GetObjectVersion arn:aws:s3:::b/k']],
    ['HEAD', '/b/k?versionId=1', ['s3:GetObjectVersion arn:aws:s3:::b/k']],
    ['PUT', '/b/k?x-id=PutObject', ['s3:PutObject arn:aws:s3:::b/k']],
    ['DELETE', '/b/k', ['s3:DeleteObject arn:aws:s3:::b/k']],
    ['DELETE', '/b/k?versionId=1', ['s3:DeleteObjectVersion arn:aws:s3:::b/k']],
    ['GET', '/b?list-type=2&prefix=p', ['s3:ListBucket arn:aws:s3:::b']],
    ['GET', '/b?versions&prefix=p&key-marker=k', ['s3:ListBucketVersions arn:aws:s3:::b']],
    ['GET', '/b/../c/k', ['s3:GetObject arn:aws:s3:::b/../c/k']],
    ['GET', '/b/k?tagging', undefined],
    ['PUT', '/b/k?partNumber=1&uploadId=u', undefined],
    ['POST', '/b?delete', undefined],
    ['GET', '/b/%zz', undefined],
    ['PUT', '/b', undefined],
    ['GET', '/', undefined],
  ])('%s %s', (method, url, needs) => {
    expect(needsOf(readS3Call({ method, url, headers: {} }))).toEqual(needs);
  });

  test.each([
    ['x-amz-object-lock-mode', 's3:PutObjectRetention'],
    ['x-amz-tagging', 's3:PutObjectTagging'],
    ['if-match', 's3:GetObject'],
  ])('an upload with %s takes %s as well', (header, action) => {
    const call = readS3Call({ method: 'PUT', url: '/b/k', headers: { [header]: 'x' } });
    expect(needsOf(call)).toEqual(['s3:PutObject arn:aws:s3:::b/k', `${action} arn:aws:s3:::b/k`]);
  });

  test('a copy, which reads one key and writes another, is not known', () => {
    const headers = { 'x-amz-copy-source': '/b/other' };
    expect(readS3Call({ method: 'PUT', url: '/b/k', headers }).needs).toBeUndefined();
  });

  test('that a key is missing is told to those who may list the bucket', () => {
    const call = readS3Absence({ method: 'GET', url: '/b/k?x-id=GetObject', headers: {} });
    expect(needsOf(call)).toEqual(['s3:ListBucket arn:aws:s3:::b']);
  });
});

describe('KMS', () => {
  const key = at('kms', 'key/cells');
  test.each([
    ['GenerateDataKey', { KeyId: 'alias/cells' }, key, [`kms:GenerateDataKey ${key}`]],
    ['Decrypt', {}, key, [`kms:Decrypt ${key}`]],
    ['Sign', { KeyId: 'gone' }, undefined, [`kms:Sign ${at('kms', 'key/gone')}`]],
    ['Encrypt', { KeyId: 'alias/gone' }, undefined, [`kms:Encrypt ${at('kms', 'alias/gone')}`]],
    ['Decrypt', {}, undefined, [`kms:Decrypt ${at('kms', 'key/unknown')}`]],
    ['ScheduleKeyDeletion', { KeyId: 'cells' }, key, undefined],
  ])('%s of %j, where the key is %s', (name, body, keyArn, needs) => {
    expect(needsOf(readKmsCall(name, body, { region, keyArn }))).toEqual(needs);
  });
});

test('Lambda: InvokeFunction of a function', () => {
  const arn = at('lambda', 'function:renew');
  expect(needsOf(readLambdaCall('InvokeFunction', arn))).toEqual([`lambda:InvokeFunction ${arn}`]);
});
