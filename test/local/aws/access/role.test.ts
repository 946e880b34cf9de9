import { describe, expect, test } from 'vitest';
import {
  decideAccess,
  listPermissions,
  type Role,
  type Statement,
} from '../../../../local/aws/access/role.ts';

const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/renewals';
const aStatement = (changes: Partial<Statement> = {}): Statement => ({
  sid: 'Renew',
  effect: 'Allow',
  actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  resources: [table],
  ...changes,
});
const aRole = (...statements: readonly Statement[]): Role => ({ name: 'WorkerRole', statements });
const outcomeOf = (statement: Partial<Statement>, need: { action: string; resource: string }) =>
  decideAccess(aRole(aStatement(statement)), need).outcome;

describe('decideAccess', () => {
  test.each([
    ['the action and the resource by name', {}, 'dynamodb:PutItem', table, 'allowed'],
    ['an action in another case', { actions: ['DynamoDB:putitem'] }, 'dynamodb:PutItem', table, 'allowed'],
    ['every action of a service', { actions: ['dynamodb:*'] }, 'dynamodb:Scan', table, 'allowed'],
    ['actions by their beginning', { actions: ['dynamodb:Get*'] }, 'dynamodb:GetItem', table, 'allowed'],
    [
      'actions by their beginning, not by their end',
      { actions: ['dynamodb:Get*'] },
      'dynamodb:BatchGetItem',
      table,
      'denied',
    ],
    ['everything', { actions: ['*'], resources: ['*'] }, 's3:GetObject', 'arn:aws:s3:::b/k', 'allowed'],
    ['no other action', {}, 'dynamodb:DeleteItem', table, 'denied'],
    ['no other resource', {}, 'dynamodb:PutItem', `${table}-2`, 'denied'],
    [
      'a table without its indexes',
      { actions: ['dynamodb:Query'] },
      'dynamodb:Query',
      `${table}/index/due`,
      'denied',
    ],
    [
      'keys below a prefix',
      { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*'] },
      's3:GetObject',
      'arn:aws:s3:::b/a/b',
      'allowed',
    ],
    [
      'objects without their bucket',
      { actions: ['*'], resources: ['arn:aws:s3:::b/*'] },
      's3:ListBucket',
      'arn:aws:s3:::b',
      'denied',
    ],
    ['one character for each ?', { resources: [`${table}-?`] }, 'dynamodb:PutItem', `${table}-22`, 'denied'],
    [
      'dots as dots',
      { actions: ['*'], resources: ['arn:aws:s3:::a.b/*'] },
      's3:GetObject',
      'arn:aws:s3:::acb/k',
      'denied',
    ],
    [
      'resources in their own case only',
      {},
      'dynamodb:PutItem',
      table.replace('renewals', 'Renewals'),
      'denied',
    ],
  ] as const)('a statement allows %s', (_, statement, action, resource, outcome) => {
    expect(outcomeOf(statement, { action, resource })).toBe(outcome);
  });

  test('names the statement, the action and the resource that allow a call', () => {
    const other = aStatement({ sid: 'Other', resources: ['arn:aws:sqs:eu-west-1:000000000000:q'] });
    const role = aRole(other, aStatement({ actions: ['dynamodb:*'] }));
    expect(decideAccess(role, { action: 'dynamodb:Scan', resource: table })).toEqual({
      outcome: 'allowed',
      by: { role: 'WorkerRole', sid: 'Renew', action: 'dynamodb:*', resource: table },
    });
  });

  test('an explicit deny wins over every allow, wherever it stands', () => {
    const deny = aStatement({ effect: 'Deny', actions: ['dynamodb:Put*'], resources: ['*'] });
    for (const role of [aRole(deny, aStatement()), aRole(aStatement(), deny)]) {
      expect(decideAccess(role, { action: 'dynamodb:PutItem', resource: table })).toEqual({
        outcome: 'denied',
        reason: 'with an explicit deny in an identity-based policy',
      });
      expect(decideAccess(role, { action: 'dynamodb:GetItem', resource: table }).outcome).toBe('allowed');
    }
  });

  test('denies what nothing allows, and says so as AWS does', () => {
    expect(decideAccess(aRole(), { action: 'dynamodb:PutItem', resource: table })).toEqual({
      outcome: 'denied',
      reason: 'because no identity-based policy allows the dynamodb:PutItem action',
    });
  });
});

test('listPermissions lists each allowed action with each resource, and no denied one', () => {
  const two = aStatement({ actions: ['a:X', 'a:Y'], resources: ['r1', 'r2'] });
  const permissions = listPermissions(aRole(aStatement({ effect: 'Deny' }), two));
  expect(permissions.map(({ sid, action, resource }) => [sid, action, resource])).toEqual([
    ['Renew', 'a:X', 'r1'],
    ['Renew', 'a:X', 'r2'],
    ['Renew', 'a:Y', 'r1'],
    ['Renew', 'a:Y', 'r2'],
  ]);
});
