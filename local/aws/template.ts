import { z } from 'zod';
import { createResolver, type Deployment, type Template } from './intrinsics.ts';
import { readKeyAliases, readKeys } from './kms/template-keys.ts';
import { createResourceReader, type ResourceReader } from './resource-reader.ts';
import type { BucketPlan, QueuePlan, StackPlan, SubscriptionPlan, TablePlan } from './stack-plan.ts';
import {
  readAsyncInvokes,
  readEventSources,
  readFunctions,
  readFunctionUrls,
  readSchedules,
} from './template-functions.ts';

/**
 * Reads the template that `sls package` writes. Pure; what the embedded AWS has no use for (alarms, resource
 * policies) is passed over.
 * @throws Failure `unsupported-template`, naming the logical id
 */
export function readTemplate(template: Template, deployment: Deployment): StackPlan {
  const reader = createResourceReader(template, createResolver(template, deployment));
  return {
    region: deployment.region,
    tables: readTables(reader),
    queues: readQueues(reader),
    topics: reader.each('AWS::SNS::Topic', z.object({})).map(({ name, arn }) => ({ name, arn })),
    subscriptions: readSubscriptions(reader),
    buckets: readBuckets(reader),
    keys: readKeys(reader),
    keyAliases: readKeyAliases(reader),
    functions: readFunctions(reader, deployment),
    eventSources: readEventSources(reader),
    asyncInvokes: readAsyncInvokes(reader),
    schedules: readSchedules(reader),
    functionUrls: readFunctionUrls(reader),
  };
}

const tableSchema = z.object({
  AttributeDefinitions: z.array(z.unknown()),
  KeySchema: z.array(z.unknown()),
  BillingMode: z.string().default('PROVISIONED'),
  ProvisionedThroughput: z.unknown().optional(),
  GlobalSecondaryIndexes: z.array(z.unknown()).optional(),
  LocalSecondaryIndexes: z.array(z.unknown()).optional(),
});

function readTables(reader: ResourceReader): TablePlan[] {
  return reader.each('AWS::DynamoDB::Table', tableSchema).map(({ name, properties }) => ({
    name,
    definition: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
  }));
}

const bucketSchema = z.object({
  VersioningConfiguration: z.object({ Status: z.string() }).optional(),
  ObjectLockEnabled: z.union([z.boolean(), z.stringbool()]).default(false),
  /** A bucket's own retention would lock what no caller asked to lock. */
  ObjectLockConfiguration: z
    .object({ Rule: z.undefined({ error: 'Rule is not supported by the embedded AWS' }).optional() })
    .optional(),
});

function readBuckets(reader: ResourceReader): BucketPlan[] {
  return reader.each('AWS::S3::Bucket', bucketSchema).map(({ name, properties }) => {
    const objectLock = properties.ObjectLockEnabled;
    const versioned = objectLock || properties.VersioningConfiguration?.Status === 'Enabled';
    return { name, versioned, objectLock };
  });
}

const setting = z.union([z.string(), z.number(), z.boolean()]).transform(String).optional();
const queueSchema = z.object({
  DelaySeconds: setting,
  MaximumMessageSize: setting,
  MessageRetentionPeriod: setting,
  ReceiveMessageWaitTimeSeconds: setting,
  VisibilityTimeout: setting,
  FifoQueue: setting,
  ContentBasedDeduplication: setting,
  RedrivePolicy: z
    .unknown()
    .optional()
    .transform((policy) => (policy === undefined ? undefined : JSON.stringify(policy))),
});

function readQueues(reader: ResourceReader): QueuePlan[] {
  return reader.each('AWS::SQS::Queue', queueSchema).map(({ name, arn, properties }) => ({
    name,
    arn,
    attributes: onlyStrings(properties),
  }));
}

const inlineSubscriptions = z.object({
  Subscription: z.array(z.object({ Protocol: z.string(), Endpoint: z.string() })).default([]),
});
const subscriptionSchema = z.object({
  TopicArn: z.string(),
  Protocol: z.string(),
  Endpoint: z.string(),
  RawMessageDelivery: setting,
  FilterPolicyScope: setting,
  FilterPolicy: z
    .unknown()
    .optional()
    .transform((policy) => (policy === undefined ? undefined : JSON.stringify(policy))),
});

function readSubscriptions(reader: ResourceReader): SubscriptionPlan[] {
  const inline = reader.each('AWS::SNS::Topic', inlineSubscriptions).flatMap(({ arn, properties }) =>
    properties.Subscription.map(({ Protocol, Endpoint }) => ({
      topicArn: arn,
      protocol: Protocol,
      endpoint: Endpoint,
      attributes: {},
    })),
  );
  const own = reader.each('AWS::SNS::Subscription', subscriptionSchema).map(({ properties }) => {
    const { TopicArn, Protocol, Endpoint, ...attributes } = properties;
    return {
      topicArn: TopicArn,
      protocol: Protocol,
      endpoint: Endpoint,
      attributes: onlyStrings(attributes),
    };
  });
  return [...inline, ...own];
}

function onlyStrings(settings: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
