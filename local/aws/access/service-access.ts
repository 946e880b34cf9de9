import { Failure } from '../../../shared/runtime/errors.ts';
import type { StackPlan } from '../stack-plan.ts';
import type { AccessGuard } from './guard.ts';
import type { AccessNeed } from './role.ts';

const polling = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

/**
 * What Lambda does under the functions' roles: takes messages from their queues, and sends failed invocations
 * to their destinations. AWS refuses to create either without these permissions.
 * @throws Failure `missing-permission`, naming roles and actions
 */
export function checkServiceAccess(
  { eventSources, asyncInvokes }: Pick<StackPlan, 'eventSources' | 'asyncInvokes'>,
  guard: AccessGuard,
): void {
  const taken = eventSources.flatMap(({ functionName, queueArn }) =>
    polling.map((action) => ({ functionName, need: { action, resource: queueArn } })),
  );
  const sent = asyncInvokes.flatMap(({ functionName, onFailureArn }) =>
    onFailureArn === undefined ? [] : [{ functionName, need: sendingTo(onFailureArn) }],
  );
  const problems = [...taken, ...sent].flatMap(({ functionName, need }) => {
    const caller = guard.callerFor(functionName);
    if (!caller) return [];
    const refusal = guard.refuse(caller, { operation: need.action, needs: [need] });
    return refusal === undefined ? [] : [`${caller.role.name} lacks ${need.action} on ${need.resource}`];
  });
  if (problems.length === 0) return;
  throw new Failure({
    code: 'missing-permission',
    disposition: 'give-up',
    message: `Lambda acts under the functions' roles, which do not allow it: ${problems.join('; ')}`,
  });
}

const sendingTo = (arn: string): AccessNeed => ({
  action: arn.startsWith('arn:aws:sns:') ? 'sns:Publish' : 'sqs:SendMessage',
  resource: arn,
});
