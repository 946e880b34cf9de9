import { Failure } from '../../shared/runtime/errors.ts';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>> | undefined;
}

/** The part of a CloudFormation template the embedded AWS reads. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>> | undefined;
}

export const ACCOUNT_ID = '000000000000';

/** What CloudFormation would know about the place it deploys to. */
export interface Deployment {
  readonly region: string;
  /** The queue service's address; `Ref` of a queue is its URL below it. */
  readonly sqsEndpoint: string;
}

export interface Resolver {
  /** `value` with every intrinsic function replaced. @throws Failure `unsupported-template` */
  resolve(value: unknown, logicalId: string): unknown;
  /** The resource's name in its service: the one it asks for, or one made of its logical id. */
  nameOf(logicalId: string): string;
  arnOf(logicalId: string): string;
}

interface ResourceKind {
  readonly service: string;
  readonly nameProperty: string;
  /** What stands between account and name in the ARN. */
  readonly arnPrefix: string;
}

const kinds: Readonly<Record<string, ResourceKind>> = {
  'AWS::SQS::Queue': { service: 'sqs', nameProperty: 'QueueName', arnPrefix: '' },
  'AWS::SNS::Topic': { service: 'sns', nameProperty: 'TopicName', arnPrefix: '' },
  'AWS::S3::Bucket': { service: 's3', nameProperty: 'BucketName', arnPrefix: '' },
  'AWS::DynamoDB::Table': { service: 'dynamodb', nameProperty: 'TableName', arnPrefix: 'table/' },
  'AWS::Lambda::Function': { service: 'lambda', nameProperty: 'FunctionName', arnPrefix: 'function:' },
  'AWS::IAM::Role': { service: 'iam', nameProperty: 'RoleName', arnPrefix: 'role/' },
  'AWS::Events::Rule': { service: 'events', nameProperty: 'Name', arnPrefix: 'rule/' },
  'AWS::Scheduler::Schedule': { service: 'scheduler', nameProperty: 'Name', arnPrefix: 'schedule/default/' },
  'AWS::Logs::LogGroup': { service: 'logs', nameProperty: 'LogGroupName', arnPrefix: 'log-group:' },
  'AWS::KMS::Key': { service: 'kms', nameProperty: 'KeyId', arnPrefix: 'key/' },
  'AWS::KMS::Alias': { service: 'kms', nameProperty: 'AliasName', arnPrefix: '' },
};

const nameAttributes = new Set(['QueueName', 'TopicName', 'KeyId']);
const arnAttributes = new Set(['Arn', 'TopicArn']);

export function unsupported(logicalId: string, what: string): Failure {
  return new Failure({
    code: 'unsupported-template',
    disposition: 'give-up',
    message: `${logicalId}: ${what} is not supported by the embedded AWS; use plain names in its place`,
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Resolves Ref, Fn::GetAtt, Fn::Sub and Fn::Join as CloudFormation would in account 000000000000. */
export function createResolver(template: Template, deployment: Deployment): Resolver {
  const pseudoParameters: Readonly<Record<string, string>> = {
    'AWS::AccountId': ACCOUNT_ID,
    'AWS::Partition': 'aws',
    'AWS::Region': deployment.region,
    'AWS::StackName': 'local',
    'AWS::URLSuffix': 'amazonaws.com',
  };

  function kindOf(logicalId: string): ResourceKind {
    const resource = template.Resources[logicalId];
    if (!resource) throw unsupported(logicalId, 'a reference to something the template does not define');
    const kind = kinds[resource.Type];
    if (!kind) throw unsupported(logicalId, `a reference to a ${resource.Type}`);
    return kind;
  }

  function nameOf(logicalId: string): string {
    const asked = template.Resources[logicalId]?.Properties?.[kindOf(logicalId).nameProperty];
    return asked === undefined ? `local-${logicalId.toLowerCase()}` : String(resolve(asked, logicalId));
  }

  function arnOf(logicalId: string): string {
    const { service, arnPrefix } = kindOf(logicalId);
    const region = service === 's3' || service === 'iam' ? '' : deployment.region;
    const account = service === 's3' ? '' : ACCOUNT_ID;
    return `arn:aws:${service}:${region}:${account}:${arnPrefix}${nameOf(logicalId)}`;
  }

  function resolveRef(target: string, logicalId: string): string {
    const known = pseudoParameters[target] ?? template.Parameters?.[target]?.Default;
    if (known !== undefined) return String(known);
    if (!template.Resources[target]) throw unsupported(logicalId, `Ref of ${target}`);
    const { service } = kindOf(target);
    if (service === 'sqs') return `${deployment.sqsEndpoint}/${ACCOUNT_ID}/${nameOf(target)}`;
    return service === 'sns' ? arnOf(target) : nameOf(target);
  }

  function resolveAttribute(path: unknown, logicalId: string): string {
    const [target = '', attribute = ''] = Array.isArray(path) ? path.map(String) : String(path).split('.', 2);
    if (arnAttributes.has(attribute)) return arnOf(target);
    if (nameAttributes.has(attribute)) return nameOf(target);
    throw unsupported(logicalId, `Fn::GetAtt of ${target}.${attribute}`);
  }

  function substitute(argument: unknown, logicalId: string): string {
    const [text, given] = Array.isArray(argument) ? argument : [argument, {}];
    const variables = isRecord(given) ? given : {};
    return String(text).replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in variables) return String(resolve(variables[name], logicalId));
      return name.includes('.') ? resolveAttribute(name, logicalId) : resolveRef(name, logicalId);
    });
  }

  function join(argument: unknown, logicalId: string): string {
    const [separator, parts] = Array.isArray(argument) ? argument : [];
    const resolved = resolve(parts, logicalId);
    if (!Array.isArray(resolved)) throw unsupported(logicalId, 'Fn::Join of something that is not a list');
    return resolved.map(String).join(String(separator));
  }

  function resolve(value: unknown, logicalId: string): unknown {
    if (Array.isArray(value)) return value.map((item) => resolve(item, logicalId));
    if (!isRecord(value)) return value;
    const [key = '', ...others] = Object.keys(value);
    const argument = value[key];
    if (others.length === 0 && key === 'Ref') return resolveRef(String(argument), logicalId);
    if (others.length === 0 && key === 'Fn::GetAtt') return resolveAttribute(argument, logicalId);
    if (others.length === 0 && key === 'Fn::Sub') return substitute(argument, logicalId);
    if (others.length === 0 && key === 'Fn::Join') return join(argument, logicalId);
    if (others.length === 0 && key.startsWith('Fn::')) throw unsupported(logicalId, key);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolve(item, logicalId)]));
  }

  return { resolve, nameOf, arnOf };
}
