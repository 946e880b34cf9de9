import { beforeAll, describe, expect, it } from 'vitest';
import { type FunctionRole, readFunctionRoles } from '../../../../local/aws/access/function-roles.ts';
import { decideAccess } from '../../../../local/aws/access/role.ts';
import { synthesizeTemplate } from '../../../../local/aws/synthesize.ts';

let roles: readonly FunctionRole[];
beforeAll(async () => {
  roles = readFunctionRoles(await synthesizeTemplate({ stage: 'dev' }), { region: 'eu-west-1' });
}, 60_000);

const readersOf = (secret: string) => {
  const resource = `arn:aws:secretsmanager:eu-west-1:000000000000:secret:certfleet/dev/${secret}-AbCdEf`;
  const need = { action: 'secretsmanager:GetSecretValue', resource };
  return roles
    .filter(({ role }) => decideAccess(role, need).outcome === 'allowed')
    .map(({ functionName }) => functionName.replace('certfleet-dev-', ''));
};

describe('the key of pseudonyms', () => {
  it('is read by the one function that makes them', () => {
    expect(readersOf('etl/pseudonym-key')).toEqual(['transform-records']);
  });

  it('is kept from functions that read the credentials of pipelines', () => {
    expect(readersOf('etl/orders-api')).toEqual([
      'start-etl',
      'extract-records',
      'load-records',
      'report-etl',
    ]);
  });
});
