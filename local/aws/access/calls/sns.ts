import { arnOf, type RequestBody, type ServiceCall, textOf } from './call.ts';

const permissions: Readonly<Record<string, string>> = {
  Publish: 'sns:Publish',
  PublishBatch: 'sns:Publish',
  CreateTopic: 'sns:CreateTopic',
  GetTopicAttributes: 'sns:GetTopicAttributes',
};

/** A call of SNS, a form; STS shares its protocol and its address, and GetCallerIdentity is nobody's to deny. */
export function readSnsCall(form: RequestBody, region: string): ServiceCall {
  const name = textOf(form, 'Action') ?? '';
  if (name === 'GetCallerIdentity') return { operation: 'sts:GetCallerIdentity', needs: [] };
  const operation = `sns:${name}`;
  if (name === 'ListTopics') return { operation, needs: [{ action: operation, resource: '*' }] };
  const action = permissions[name];
  const topic = textOf(form, 'TopicArn') ?? textOf(form, 'TargetArn') ?? textOf(form, 'Name');
  if (action === undefined || topic === undefined) return { operation, needs: undefined };
  return { operation, needs: [{ action, resource: arnOf('sns', region, topic) }] };
}
