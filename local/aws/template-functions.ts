import { basename, extname } from 'node:path';
import { z } from 'zod';
import { ACCOUNT_ID, type Deployment, unsupported } from './intrinsics.ts';
import type { ResourceReader } from './resource-reader.ts';
import type { AsyncInvokePlan, EventSourcePlan, FunctionPlan, SchedulePlan } from './stack-plan.ts';

/** A function's name from its name, its ARN, or its ARN with a version. */
export const functionNameOf = (reference: string): string =>
  reference.startsWith('arn:') ? (reference.split(':')[6] ?? '') : (reference.split(':')[0] ?? '');

const variable = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const functionSchema = z.object({
  Handler: z.string(),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  ReservedConcurrentExecutions: z.number().optional(),
  Environment: z.object({ Variables: z.record(z.string(), variable).default({}) }).default({ Variables: {} }),
  DeadLetterConfig: z.unknown().optional(),
});

export function readFunctions(reader: ResourceReader, deployment: Deployment): FunctionPlan[] {
  const onAws = `https://sqs.${deployment.region}.amazonaws.com/${ACCOUNT_ID}/`;
  return reader.each('AWS::Lambda::Function', functionSchema).map(({ logicalId, name, arn, properties }) => {
    if (properties.DeadLetterConfig) throw unsupported(logicalId, 'DeadLetterConfig (use destinations)');
    const handler = extname(properties.Handler);
    const variables = Object.entries(properties.Environment.Variables).map(([key, value]) => [
      key,
      value.startsWith(onAws)
        ? `${deployment.sqsEndpoint}/${ACCOUNT_ID}/${value.slice(onAws.length)}`
        : value,
    ]);
    return {
      name,
      arn,
      bundle: basename(properties.Handler, handler),
      handler: handler.slice(1),
      timeoutSeconds: properties.Timeout,
      memoryMegabytes: properties.MemorySize,
      reservedConcurrency: properties.ReservedConcurrentExecutions,
      environment: Object.fromEntries(variables),
    };
  });
}

const eventSourceSchema = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  Enabled: z.boolean().default(true),
  BatchSize: z.number().default(10),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  FunctionResponseTypes: z.array(z.string()).default([]),
  ScalingConfig: z.object({ MaximumConcurrency: z.number().optional() }).default({}),
  FilterCriteria: z.unknown().optional(),
});

export function readEventSources(reader: ResourceReader): EventSourcePlan[] {
  return reader
    .each('AWS::Lambda::EventSourceMapping', eventSourceSchema)
    .filter(({ properties }) => properties.Enabled)
    .map(({ logicalId, properties }) => {
      if (!properties.EventSourceArn.startsWith('arn:aws:sqs:')) {
        throw unsupported(logicalId, `the event source ${properties.EventSourceArn}`);
      }
      if (properties.FilterCriteria) throw unsupported(logicalId, 'FilterCriteria');
      const reportsItems = properties.FunctionResponseTypes.includes('ReportBatchItemFailures');
      return {
        functionName: functionNameOf(properties.FunctionName),
        queueArn: properties.EventSourceArn,
        batchSize: properties.BatchSize,
        batchingWindowSeconds: properties.MaximumBatchingWindowInSeconds,
        maximumConcurrency: properties.ScalingConfig.MaximumConcurrency,
        batchResponse: reportsItems ? 'item-failures' : 'all-or-nothing',
      };
    });
}

const asyncInvokeSchema = z.object({
  FunctionName: z.string(),
  MaximumRetryAttempts: z.number().default(2),
  MaximumEventAgeInSeconds: z.number().default(21_600),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.string() }).optional() }).default({}),
});

export function readAsyncInvokes(reader: ResourceReader): AsyncInvokePlan[] {
  return reader.each('AWS::Lambda::EventInvokeConfig', asyncInvokeSchema).map(({ properties }) => ({
    functionName: functionNameOf(properties.FunctionName),
    retryAttempts: properties.MaximumRetryAttempts,
    maximumAgeSeconds: properties.MaximumEventAgeInSeconds,
    onFailureArn: properties.DestinationConfig.OnFailure?.Destination,
  }));
}

const target = z.object({
  Arn: z.string(),
  Input: z.string().optional(),
  InputTransformer: z.unknown().optional(),
});
const ruleSchema = z.object({
  ScheduleExpression: z.string().optional(),
  State: z.string().default('ENABLED'),
  Targets: z.array(target).default([]),
});
const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string().default('UTC'),
  State: z.string().default('ENABLED'),
  Target: target,
});

export function readSchedules(reader: ResourceReader): SchedulePlan[] {
  const rules = reader.each('AWS::Events::Rule', ruleSchema).flatMap(({ logicalId, arn, properties }) => {
    const expression = properties.ScheduleExpression;
    if (expression === undefined || properties.State !== 'ENABLED') return [];
    return properties.Targets.map(({ Arn, Input, InputTransformer }) => {
      if (InputTransformer) throw unsupported(logicalId, 'InputTransformer');
      return {
        arn,
        source: 'aws.events' as const,
        expression,
        functionName: functionNameOf(Arn),
        input: Input,
      };
    });
  });
  const schedules = reader.each('AWS::Scheduler::Schedule', scheduleSchema).flatMap((schedule) => {
    const { Target, State, ScheduleExpression, ScheduleExpressionTimezone } = schedule.properties;
    if (State !== 'ENABLED') return [];
    if (ScheduleExpressionTimezone !== 'UTC') {
      throw unsupported(schedule.logicalId, `the time zone ${ScheduleExpressionTimezone}`);
    }
    const functionName = functionNameOf(Target.Arn);
    const source = 'aws.scheduler' as const;
    return [{ arn: schedule.arn, source, expression: ScheduleExpression, functionName, input: Target.Input }];
  });
  return [...rules, ...schedules];
}

export function readFunctionUrls(reader: ResourceReader): string[] {
  return reader
    .each('AWS::Lambda::Url', z.object({ TargetFunctionArn: z.string() }))
    .map(({ properties }) => functionNameOf(properties.TargetFunctionArn));
}
