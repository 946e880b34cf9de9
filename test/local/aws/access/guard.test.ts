import { describe, expect, test } from 'vitest';
import type { FunctionRole } from '../../../../local/aws/access/function-roles.ts';
import { createAccessGuard } from '../../../../local/aws/access/guard.ts';
import { checkServiceAccess } from '../../../../local/aws/access/service-access.ts';
import { aStack } from '../functions.builder.ts';

const queueArn = 'arn:aws:sqs:eu-west-1:000000000000:work';
const failedArn = 'arn:aws:sqs:eu-west-1:000000000000:failed';
const aFunctionRole = (actions: readonly string[], resources = [queueArn]): FunctionRole => ({
  functionName: 'renew',
  role: { name: 'RenewRole', statements: [{ sid: 'Queue', effect: 'Allow', actions, resources }] },
});
const callOf = (action: string) => ({ operation: action, needs: [{ action, resource: queueArn }] });

function aGuard(caller: FunctionRole) {
  const refusals: string[] = [];
  const onRefused = (functionName: string, message: string) => refusals.push(`${functionName} ${message}`);
  return { ...createAccessGuard({ functions: [caller], onRefused }), refusals };
}

describe('the access guard', () => {
  const caller = aFunctionRole(['sqs:SendMessage', 'sqs:GetQueueUrl']);

  test('knows a function by the key it signs with, in a header or in a URL, and nobody else', () => {
    const { accessKeyOf, findCaller } = aGuard(caller);
    const key = accessKeyOf('renew');
    expect(key).toMatch(/^[A-Z0-9]{20}$/);
    expect(accessKeyOf('deploy')).not.toBe(key);
    const signedBy = (id: string) => ({
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${id}/20261122/eu-west-1/sqs/aws4_request, Signature=0`,
      },
    });
    expect(findCaller(signedBy(key))).toBe(caller);
    expect(findCaller({ url: `/b/k?X-Amz-Credential=${key}%2F20261122`, headers: {} })).toBe(caller);
    expect(findCaller(signedBy('local'))).toBeUndefined();
    expect(findCaller({ url: '/', headers: {} })).toBeUndefined();
  });

  test('refuses in the words of AWS, and reports it', () => {
    const { refuse, refusals } = aGuard(caller);
    const message = `User: arn:aws:sts::000000000000:assumed-role/RenewRole/renew is not authorized to perform: sqs:DeleteMessage on resource: ${queueArn} because no identity-based policy allows the sqs:DeleteMessage action`;
    expect(refuse(caller, callOf('sqs:SendMessage'))).toBeUndefined();
    expect(refuse(caller, callOf('sqs:DeleteMessage'))).toBe(message);
    expect(refusals).toEqual([`renew AccessDenied: ${message}\n`]);
  });

  test('refuses what it cannot judge', () => {
    expect(aGuard(caller).refuse(caller, { operation: 'sqs:TagQueue', needs: undefined })).toContain(
      'sqs:TagQueue because the embedded AWS does not know which permissions it takes',
    );
  });

  test('remembers what was needed; a refused call needed nothing', () => {
    const { refuse, listUnusedPermissions } = aGuard(caller);
    const unused = () => listUnusedPermissions().map(({ action }) => action);
    expect(unused()).toEqual(['sqs:SendMessage', 'sqs:GetQueueUrl']);
    const needs = ['sqs:GetQueueUrl', 'sqs:DeleteMessage'].flatMap((action) => callOf(action).needs);
    refuse(caller, { operation: 'sqs:Both', needs });
    expect(unused()).toEqual(['sqs:SendMessage', 'sqs:GetQueueUrl']);
    refuse(caller, callOf('sqs:SendMessage'));
    expect(unused()).toEqual(['sqs:GetQueueUrl']);
  });
});

describe('checkServiceAccess', () => {
  const stack = aStack({
    eventSources: [
      {
        functionName: 'renew',
        queueArn,
        batchSize: 10,
        batchingWindowSeconds: 0,
        maximumConcurrency: undefined,
        batchResponse: 'item-failures',
      },
    ],
    asyncInvokes: [
      { functionName: 'renew', retryAttempts: 0, maximumAgeSeconds: 60, onFailureArn: failedArn },
    ],
  });

  test('accepts roles under which Lambda may poll the queues and send failures, and counts both as needed', () => {
    const caller = aFunctionRole(['sqs:*'], [queueArn, failedArn]);
    const guard = aGuard(caller);
    checkServiceAccess(stack, guard);
    expect(guard.listUnusedPermissions()).toEqual([]);
  });

  test('names the role and every action that is missing', () => {
    const guard = aGuard(aFunctionRole(['sqs:ReceiveMessage', 'sqs:GetQueueAttributes']));
    expect(() => checkServiceAccess(stack, guard)).toThrow(
      expect.objectContaining({
        code: 'missing-permission',
        message: expect.stringMatching(
          `RenewRole lacks sqs:DeleteMessage on ${queueArn}; RenewRole lacks sqs:SendMessage on ${failedArn}$`,
        ),
      }),
    );
  });
});
