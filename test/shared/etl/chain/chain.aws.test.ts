import { expect, it } from 'vitest';
import { createAwsChain } from '../../../../shared/etl/chain/chain.aws.ts';

const problemsOf = (value: string | undefined): string => {
  try {
    // Without a table: a chain that could be made would be.
    createAwsChain({ NODE_TLS_REJECT_UNAUTHORIZED: value }, { account: '111122223333' });
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-configuration', disposition: 'give-up' });
    return (error as Error).message;
  }
};

it('a chain whose clients would believe anybody does not start', () => {
  expect(problemsOf('0')).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED: must not be 0/);
  for (const value of ['1', '', undefined]) expect(problemsOf(value)).not.toMatch(/NODE_TLS/);
});
