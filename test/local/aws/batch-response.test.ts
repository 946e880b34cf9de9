import { expect, test } from 'vitest';
import { readBatchResponse } from '../../../local/aws/batch-response.ts';

const read = (payload: string) => {
  const { failed } = readBatchResponse(payload, ['a', 'b']);
  return typeof failed === 'string' ? failed : [...failed];
};

test.each(['null', '""', '{}', '{"batchItemFailures":null}', '{"batchItemFailures":[]}'])(
  '%s means that every message succeeded',
  (payload) => {
    expect(read(payload)).toBe('none');
  },
);

test.each([
  '{"batchItemFailures":[{"itemIdentifier":""}]}',
  '{"batchItemFailures":[{"itemIdentifier":null}]}',
  '{"batchItemFailures":[{"identifier":"a"}]}',
  '{"batchItemFailures":[null]}',
  '{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"of another batch"}]}',
  '{"batchItemFailures":{"itemIdentifier":"a"}}',
  '[]',
  '7',
  'not json',
])('%s means that every message failed', (payload) => {
  expect(read(payload)).toBe('all');
});

test('only the messages named failed', () => {
  expect(read('{"batchItemFailures":[{"itemIdentifier":"b"}]}')).toEqual(['b']);
});
