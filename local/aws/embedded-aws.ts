import { join } from 'node:path';
import type { Clock } from '../../shared/runtime/clock.ts';
import { readFunctionRoles } from './access/function-roles.ts';
import { createAccessGuard } from './access/guard.ts';
import type { Permission } from './access/role.ts';
import { checkServiceAccess } from './access/service-access.ts';
import { startDynamoDb } from './dynamodb.ts';
import { type EventSource, startEventSource } from './event-sources.ts';
import { clientSettings, environmentFor, environmentOfFunction } from './function-environment.ts';
import type { Template } from './intrinsics.ts';
import { startKms } from './kms/service.ts';
import { startLambdaEndpoint } from './lambda/endpoint.ts';
import { FunctionFailure } from './lambda/function-failure.ts';
import { type Lambda, startLambda } from './lambda/service.ts';
import { startMessaging } from './messaging.ts';
import { startS3 } from './s3.ts';
import { type Schedules, startSchedules } from './schedules.ts';
import { startSecretsManager } from './secrets-manager.ts';
import type { FunctionPlan } from './stack-plan.ts';
import { createTables } from './tables.ts';
import { readTemplate } from './template.ts';

/** Functions are named as in serverless.yml: `renew-certificate`. */
export interface EmbeddedAwsOptions {
  /** What `synthesizeTemplate` answers. */
  readonly template: Template;
  /** The directory `bundleFunctions` wrote to. */
  readonly bundles: string;
  /** Keeps tables, objects, secrets and keys; without it everything ends with the process. */
  readonly dataDir?: string | undefined;
  readonly region?: string | undefined;
  /** Added to a function's environment, over what the template says. */
  readonly functionEnvironment?: ((functionName: string) => Readonly<Record<string, string>>) | undefined;
  readonly onLog?: ((functionName: string, text: string) => void) | undefined;
  readonly asyncRetryDelaysMillis?: readonly number[] | undefined;
  readonly environmentsPerFunction?: number | undefined;
  /** Keeps the functions' compiled code, so that later environments start faster. */
  readonly compileCacheDirectory?: string | undefined;
  readonly clock?: Clock | undefined;
}

export interface EmbeddedAws {
  /** For SDK clients and `sls invoke` outside the functions: endpoints, region, credentials. */
  readonly environment: Readonly<Record<string, string>>;
  readonly functions: readonly FunctionPlan[];
  readonly lambda: Lambda & {
    /** The function's answer. @throws FunctionFailure when it failed */
    call(functionName: string, event: unknown): Promise<unknown>;
  };
  queueUrlOf(queueName: string): string;
  /** What the functions' roles allow and nothing has needed since the start. */
  listUnusedPermissions(): Permission[];
  /** Starts the event sources; before that no message is taken. */
  startPolling(): void;
  /** Starts the schedules, the first firing a period from now. */
  startSchedules(): void;
  /** Ends everything; batches in flight have `graceMillis`, one second by default, to finish. */
  stop(options?: { graceMillis?: number }): Promise<void>;
}

/**
 * DynamoDB, SQS, SNS, S3, Secrets Manager, KMS and Lambda on loopback, with everything the template defines. Functions
 * may do what their roles allow; every other caller may do everything.
 * @throws Failure `unsupported-template`, `missing-permission`
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  const { region = 'eu-west-1', dataDir, clock } = options;
  const settings = clientSettings(region);
  const stops: (() => Promise<void>)[] = [];
  const started = <Service extends { stop(): Promise<void> }>(service: Service): Service => {
    stops.unshift(() => service.stop());
    return service;
  };
  const stopServices = async () => {
    for (const stop of stops.splice(0)) await stop();
  };

  try {
    const guard = createAccessGuard({
      functions: readFunctionRoles(options.template, { region }),
      onRefused: (name, message) => options.onLog?.(nameInServerless(name), message),
    });
    const [dynamodb, secretsManager, s3, messaging] = await Promise.all([
      startDynamoDb({ directory: dataDir && join(dataDir, 'dynamodb'), access: { guard, region } }).then(
        started,
      ),
      startSecretsManager({ directory: dataDir && join(dataDir, 'secrets'), region, clock, guard }).then(
        started,
      ),
      startS3({ directory: dataDir && join(dataDir, 's3'), clock, guard }).then(started),
      startMessaging(settings, { guard }).then(started),
    ]);
    const plan = readTemplate(options.template, { region, sqsEndpoint: messaging.endpoint });
    const nameInServerless = (name: string) =>
      plan.functions.find((each) => each.name === name)?.bundle ?? name;
    checkServiceAccess(plan, guard);
    const kms = await startKms(plan, {
      directory: dataDir && join(dataDir, 'kms'),
      region,
      clock,
      guard,
    }).then(started);
    const endpoints = {
      dynamodb: dynamodb.endpoint,
      secretsManager: secretsManager.endpoint,
      messaging: messaging.endpoint,
      s3: s3.endpoint,
      kms: kms.endpoint,
    };
    const environment: Record<string, string> = {};
    const service = started(
      startLambda({
        ...options,
        plan,
        environmentOf(functionPlan) {
          const added = options.functionEnvironment?.(functionPlan.bundle) ?? {};
          const credentials = { AWS_ACCESS_KEY_ID: guard.accessKeyOf(functionPlan.name) };
          return { ...environmentOfFunction(functionPlan, { ...environment, ...credentials }), ...added };
        },
        deliver: messaging.deliver,
        onLog: (name, text) => options.onLog?.(nameInServerless(name), text),
      }),
    );
    const lambdaEndpoint = await startLambdaEndpoint(service, guard).then(started);
    Object.assign(environment, environmentFor(region, { ...endpoints, lambda: lambdaEndpoint.endpoint }));
    for (const bucket of plan.buckets) s3.createBucket(bucket);
    await Promise.all([
      createTables(plan.tables, { ...settings, endpoint: dynamodb.endpoint }),
      messaging.create(plan),
    ]);

    let eventSources: EventSource[] = [];
    let schedules: Schedules | undefined;
    return {
      environment,
      functions: plan.functions,
      queueUrlOf: messaging.queueUrlOf,
      listUnusedPermissions: guard.listUnusedPermissions,
      lambda: {
        ...service,
        async call(functionName, event) {
          const result = await service.invoke(functionName, { payload: JSON.stringify(event ?? {}) });
          if (result.kind === 'failed') throw new FunctionFailure(functionName, result.error);
          return JSON.parse(result.payload);
        },
      },
      startPolling() {
        if (eventSources.length > 0) return;
        eventSources = plan.eventSources.map((eventSource) =>
          startEventSource({
            plan: eventSource,
            region,
            queueUrl: messaging.queueUrlOf(eventSource.queueArn),
            sqs: messaging.sqs,
            lambda: service,
            clock,
            onError: (error) =>
              options.onLog?.(nameInServerless(eventSource.functionName), `${String(error)}\n`),
          }),
        );
      },
      startSchedules() {
        schedules ??= startSchedules({ plans: plan.schedules, region, lambda: service, clock });
      },
      async stop({ graceMillis = 1000 } = {}) {
        schedules?.stop();
        await Promise.all(eventSources.map((eventSource) => eventSource.stop(graceMillis)));
        await stopServices();
      },
    };
  } catch (error) {
    await stopServices();
    throw error;
  }
}
