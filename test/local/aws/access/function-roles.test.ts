// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are CloudFormation's
import { describe, expect, test } from 'vitest';
import { readFunctionRoles } from '../../../../local/aws/access/function-roles.ts';
import type { Template } from '../../../../local/aws/intrinsics.ts';

const read = (Resources: Template['Resources']) => readFunctionRoles({ Resources }, { region: 'eu-west-1' });
const statement = { Sid: 'Read', Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['*'] };
const aRole = (Statement: unknown, more = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: { Condition: 'not read' },
    Policies: [{ PolicyName: 'renew', PolicyDocument: { Version: '2012-10-17', Statement } }],
    ...more,
  },
});
const renew = {
  Type: 'AWS::Lambda::Function',
  Properties: { FunctionName: 'renew', Role: { 'Fn::GetAtt': ['RenewRole', 'Arn'] } },
};

describe('readFunctionRoles', () => {
  test('reads which role a function has, every reference resolved', () => {
    const roles = read({
      Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 't' } },
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
      Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'reports' } },
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'b' } },
      Renew: renew,
      OtherRole: aRole([]),
      RenewRole: aRole([
        {
          Sid: 'All',
          Effect: 'Allow',
          Action: ['dynamodb:Query', 'sqs:*'],
          Resource: [
            { 'Fn::Sub': '${Table.Arn}/index/due' },
            { 'Fn::GetAtt': ['Queue', 'Arn'] },
            { Ref: 'Topic' },
            { 'Fn::Sub': '${Bucket.Arn}/*' },
            { 'Fn::Sub': 'arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:x/*' },
          ],
        },
        { Effect: 'Deny', Action: 's3:*', Resource: '*' },
      ]),
    });
    expect(roles).toEqual([
      {
        functionName: 'renew',
        role: {
          name: 'RenewRole',
          statements: [
            {
              sid: 'All',
              effect: 'Allow',
              actions: ['dynamodb:Query', 'sqs:*'],
              resources: [
                'arn:aws:dynamodb:eu-west-1:000000000000:table/t/index/due',
                'arn:aws:sqs:eu-west-1:000000000000:q',
                'arn:aws:sns:eu-west-1:000000000000:reports',
                'arn:aws:s3:::b/*',
                'arn:aws:secretsmanager:eu-west-1:000000000000:secret:x/*',
              ],
            },
            { sid: 'renew[1]', effect: 'Deny', actions: ['s3:*'], resources: ['*'] },
          ],
        },
      },
    ]);
  });

  test('takes a single statement for a list of one', () => {
    expect(read({ Renew: renew, RenewRole: aRole(statement) })[0]?.role.statements).toHaveLength(1);
  });

  test.each([
    ['Condition', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
    ['NotAction', { NotAction: 's3:*' }],
    ['NotResource', { NotResource: '*' }],
  ])('refuses a statement with %s, which would change what it allows', (key, more) => {
    expect(() => read({ Renew: renew, RenewRole: aRole([{ ...statement, ...more }]) })).toThrow(
      new RegExp(`^RenewRole: .*${key} is not evaluated by the embedded AWS`),
    );
  });

  test('grants nothing of KMS under a condition, and takes no denial under one', () => {
    const sign = { Effect: 'Allow', Action: 'kms:Sign', Resource: '*', Condition: { Bool: {} } };
    expect(read({ Renew: renew, RenewRole: aRole([sign]) })[0]?.role.statements).toEqual([]);
    const deny = { ...sign, Effect: 'Deny' };
    expect(() => read({ Renew: renew, RenewRole: aRole([deny]) })).toThrow('Condition is not evaluated');
  });

  test.each([
    ['ManagedPolicyArns', ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']],
    ['PermissionsBoundary', 'arn:aws:iam::000000000000:policy/boundary'],
  ])('refuses a role with %s, whose statements it does not have', (key, value) => {
    expect(() => read({ Renew: renew, RenewRole: aRole([], { [key]: value }) })).toThrow(
      `RenewRole: ${key}: is not evaluated by the embedded AWS`,
    );
  });

  test('refuses a policy beside the roles', () => {
    const Extra = { Type: 'AWS::IAM::Policy', Properties: { PolicyName: 'extra' } };
    expect(() => read({ Renew: renew, RenewRole: aRole([]), Extra })).toThrow('Extra: AWS::IAM::Policy');
  });

  test('refuses a function without a role, and one whose role is elsewhere', () => {
    const withRole = (Role?: string) => ({
      Type: renew.Type,
      Properties: { FunctionName: 'renew', ...(Role && { Role }) },
    });
    expect(() => read({ Renew: withRole() })).toThrow('Renew: a function needs a Role');
    expect(() => read({ Renew: withRole('arn:aws:iam::1:role/x') })).toThrow(
      'Renew: its Role is not in the template',
    );
  });
});
