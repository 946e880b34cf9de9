import { arnOf, type RequestBody, type ServiceCall, textOf } from './call.ts';

/** A batch takes the permission of its single form. */
const permissions: Readonly<Record<string, string>> = {
  SendMessage: 'sqs:SendMessage',
  SendMessageBatch: 'sqs:SendMessage',
  ReceiveMessage: 'sqs:ReceiveMessage',
  DeleteMessage: 'sqs:DeleteMessage',
  DeleteMessageBatch: 'sqs:DeleteMessage',
  ChangeMessageVisibility: 'sqs:ChangeMessageVisibility',
  ChangeMessageVisibilityBatch: 'sqs:ChangeMessageVisibility',
  GetQueueUrl: 'sqs:GetQueueUrl',
  GetQueueAttributes: 'sqs:GetQueueAttributes',
};

/** A call of SQS on one queue, which the body names by URL or by name. */
export function readSqsCall(name: string, body: RequestBody, region: string): ServiceCall {
  const operation = `sqs:${name}`;
  const action = permissions[name];
  const queue = textOf(body, 'QueueUrl')?.split('/').at(-1) ?? textOf(body, 'QueueName');
  if (action === undefined || queue === undefined) return { operation, needs: undefined };
  return { operation, needs: [{ action, resource: arnOf('sqs', region, queue) }] };
}
