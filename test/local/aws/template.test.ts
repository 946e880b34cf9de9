// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are CloudFormation's
import { describe, expect, test } from 'vitest';
import type { Template } from '../../../local/aws/intrinsics.ts';
import { readTemplate } from '../../../local/aws/template.ts';

const read = (Resources: Template['Resources']) =>
  readTemplate({ Resources }, { region: 'eu-west-1', sqsEndpoint: 'http://127.0.0.1:4566' });

const aQueue = (name: string, properties = {}) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: name, ...properties },
});
const aLambda = (name: string, properties = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: { FunctionName: name, Handler: 'dist/renew-certificate.handler', ...properties },
});

describe('readTemplate', () => {
  test('resolves references between resources as CloudFormation does', () => {
    const { functions } = read({
      Queue: aQueue('work'),
      Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'reports' } },
      Table: {
        Type: 'AWS::DynamoDB::Table',
        Properties: { TableName: 't', AttributeDefinitions: [], KeySchema: [] },
      },
      Renew: aLambda('renew', {
        Environment: {
          Variables: {
            QUEUE_URL: { Ref: 'Queue' },
            QUEUE_ARN: { 'Fn::GetAtt': ['Queue', 'Arn'] },
            QUEUE_NAME: { 'Fn::GetAtt': 'Queue.QueueName' },
            TOPIC: { Ref: 'Topic' },
            TABLE: { Ref: 'Table' },
            SUBSTITUTED: { 'Fn::Sub': '${AWS::Partition}/${AWS::Region}/${Queue.Arn}/${!kept}' },
            WITH_VARIABLES: { 'Fn::Sub': ['${Name}-x', { Name: { Ref: 'Table' } }] },
            JOINED: { 'Fn::Join': ['-', ['a', { Ref: 'AWS::AccountId' }]] },
            ON_AWS: 'https://sqs.eu-west-1.amazonaws.com/000000000000/work',
          },
        },
      }),
    });
    expect(functions[0]?.environment).toEqual({
      QUEUE_URL: 'http://127.0.0.1:4566/000000000000/work',
      QUEUE_ARN: 'arn:aws:sqs:eu-west-1:000000000000:work',
      QUEUE_NAME: 'work',
      TOPIC: 'arn:aws:sns:eu-west-1:000000000000:reports',
      TABLE: 't',
      SUBSTITUTED: 'aws/eu-west-1/arn:aws:sqs:eu-west-1:000000000000:work/${kept}',
      WITH_VARIABLES: 't-x',
      JOINED: 'a-000000000000',
      ON_AWS: 'http://127.0.0.1:4566/000000000000/work',
    });
  });

  test('reads whether a bucket has versions and locks, which need versions', () => {
    const aBucket = (name: string, properties = {}) => ({
      Type: 'AWS::S3::Bucket',
      Properties: { BucketName: name, ...properties },
    });
    const { buckets } = read({
      Plain: aBucket('plain'),
      Suspended: aBucket('suspended', { VersioningConfiguration: { Status: 'Suspended' } }),
      Versioned: aBucket('versioned', { VersioningConfiguration: { Status: 'Enabled' } }),
      Locked: aBucket('locked', { ObjectLockEnabled: true }),
    });
    expect(buckets).toEqual([
      { name: 'plain', versioned: false, objectLock: false },
      { name: 'suspended', versioned: false, objectLock: false },
      { name: 'versioned', versioned: true, objectLock: false },
      { name: 'locked', versioned: true, objectLock: true },
    ]);
    const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } };
    expect(() => read({ Kept: aBucket('kept', { ObjectLockConfiguration: { Rule } }) })).toThrow(
      'Kept: ObjectLockConfiguration.Rule: Rule is not supported by the embedded AWS',
    );
  });

  test('reads a function with its bundle, export, timeout and memory', () => {
    const { functions } = read({ Renew: aLambda('renew', { Timeout: 120, MemorySize: 512 }) });
    expect(functions[0]).toMatchObject({
      name: 'renew',
      arn: 'arn:aws:lambda:eu-west-1:000000000000:function:renew',
      bundle: 'renew-certificate',
      handler: 'handler',
      timeoutSeconds: 120,
      memoryMegabytes: 512,
    });
  });

  test('reads what joins a queue to a function, and where messages go that it never accepts', () => {
    const { eventSources, queues } = read({
      Queue: aQueue('work', {
        VisibilityTimeout: 720,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 5 },
      }),
      Dead: aQueue('dead'),
      Renew: aLambda('renew'),
      Source: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          FunctionName: { 'Fn::GetAtt': ['Renew', 'Arn'] },
          BatchSize: 5,
          MaximumBatchingWindowInSeconds: 2,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 3 },
        },
      },
    });
    expect(eventSources).toEqual([
      {
        functionName: 'renew',
        queueArn: 'arn:aws:sqs:eu-west-1:000000000000:work',
        batchSize: 5,
        batchingWindowSeconds: 2,
        maximumConcurrency: 3,
        batchResponse: 'item-failures',
      },
    ]);
    expect(queues[0]?.attributes).toEqual({
      VisibilityTimeout: '720',
      RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":5}',
    });
  });

  test('reads rules and schedules, and passes over disabled ones', () => {
    const target = { Arn: { 'Fn::GetAtt': ['Renew', 'Arn'] }, Input: '{"trigger":"schedule"}' };
    const { schedules } = read({
      Renew: aLambda('renew'),
      Tick: {
        Type: 'AWS::Events::Rule',
        Properties: { Name: 'tick', ScheduleExpression: 'rate(1 minute)', Targets: [target] },
      },
      Daily: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: { Name: 'daily', ScheduleExpression: 'cron(0 3 * * ? *)', Target: target },
      },
      Off: {
        Type: 'AWS::Events::Rule',
        Properties: { ScheduleExpression: 'rate(1 day)', State: 'DISABLED', Targets: [target] },
      },
    });
    expect(
      schedules.map(({ source, expression, functionName }) => [source, expression, functionName]),
    ).toEqual([
      ['aws.events', 'rate(1 minute)', 'renew'],
      ['aws.scheduler', 'cron(0 3 * * ? *)', 'renew'],
    ]);
  });

  test.each([
    ['Fn::If', { 'Fn::If': ['IsProduction', 'a', 'b'] }],
    ['Fn::GetAtt of Queue.Colour', { 'Fn::GetAtt': ['Queue', 'Colour'] }],
    ['Ref of Nothing', { Ref: 'Nothing' }],
  ])('names the resource that uses %s, which it does not know', (what, value) => {
    const Resources = {
      Queue: aQueue('work'),
      Renew: aLambda('renew', { Environment: { Variables: { X: value } } }),
    };
    expect(() => read(Resources)).toThrow(`Renew: ${what}`);
  });

  test('refuses an event source that is not a queue', () => {
    const Properties = {
      EventSourceArn: 'arn:aws:dynamodb:eu-west-1:000000000000:table/t',
      FunctionName: 'renew',
    };
    expect(() => read({ Stream: { Type: 'AWS::Lambda::EventSourceMapping', Properties } })).toThrow(
      'Stream: the event source arn:aws:dynamodb',
    );
  });
});
