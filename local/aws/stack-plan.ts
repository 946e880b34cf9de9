export interface TablePlan {
  readonly name: string;
  /** CreateTable's input, as the template states it. */
  readonly definition: Readonly<Record<string, unknown>>;
}

export interface QueuePlan {
  readonly name: string;
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface TopicPlan {
  readonly name: string;
  readonly arn: string;
}

export interface SubscriptionPlan {
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface BucketPlan {
  readonly name: string;
  readonly versioned: boolean;
  /** Versions can be locked; such a bucket is versioned. */
  readonly objectLock: boolean;
}

export interface KeyPlan {
  readonly keyId: string;
  readonly arn: string;
  readonly spec: 'SYMMETRIC_DEFAULT' | 'ECC_NIST_P256';
  readonly description: string;
  readonly enabled: boolean;
}

export interface KeyAliasPlan {
  /** `alias/…` */
  readonly name: string;
  readonly keyId: string;
}

export interface FunctionPlan {
  readonly name: string;
  readonly arn: string;
  /** The bundle's file name without directory and extension. */
  readonly bundle: string;
  /** The bundle's export that is called. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly reservedConcurrency: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export interface EventSourcePlan {
  readonly functionName: string;
  readonly queueArn: string;
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
  readonly maximumConcurrency: number | undefined;
  readonly batchResponse: 'item-failures' | 'all-or-nothing';
}

/** How a function's asynchronous invocations are retried, and where a failed one is sent. */
export interface AsyncInvokePlan {
  readonly functionName: string;
  readonly retryAttempts: number;
  readonly maximumAgeSeconds: number;
  readonly onFailureArn: string | undefined;
}

export interface SchedulePlan {
  readonly arn: string;
  readonly source: 'aws.events' | 'aws.scheduler';
  /** `rate(…)` or `cron(…)`, in UTC. */
  readonly expression: string;
  readonly functionName: string;
  /** The event as JSON text; the service's own event without one. */
  readonly input: string | undefined;
}

/** Everything the embedded AWS creates, every reference resolved. */
export interface StackPlan {
  readonly region: string;
  readonly tables: readonly TablePlan[];
  readonly queues: readonly QueuePlan[];
  readonly topics: readonly TopicPlan[];
  readonly subscriptions: readonly SubscriptionPlan[];
  readonly buckets: readonly BucketPlan[];
  readonly keys: readonly KeyPlan[];
  readonly keyAliases: readonly KeyAliasPlan[];
  readonly functions: readonly FunctionPlan[];
  readonly eventSources: readonly EventSourcePlan[];
  readonly asyncInvokes: readonly AsyncInvokePlan[];
  readonly schedules: readonly SchedulePlan[];
  /** Names of the functions that have a URL. */
  readonly functionUrls: readonly string[];
}
