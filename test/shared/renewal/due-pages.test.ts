import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { createDynamoDbRenewalStore } from '../../../shared/renewal/store.dynamodb.ts';
import { noon } from '../../support/builders.ts';

const page = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    certificateName: `h${from + index}.example.com`,
    generation: 1,
    step: 'choose-ca',
    nextActionAt: noon.toISOString(),
  }));

/** Answers three items a page, however many are asked for, as DynamoDB does once they make 1 MB. */
function createPagedClient(pages: number) {
  const limits: number[] = [];
  const client = {
    send: async ({ input }: { input: { Limit: number; ExclusiveStartKey?: { page: number } } }) => {
      limits.push(input.Limit);
      const index = input.ExclusiveStartKey?.page ?? 0;
      const more = index + 1 < pages;
      return {
        Items: page(index * 3, Math.min(3, input.Limit)),
        ...(more && { LastEvaluatedKey: { page: index + 1 } }),
      };
    },
  } as unknown as DynamoDBDocumentClient;
  return { limits, store: createDynamoDbRenewalStore(client, 'renewals') };
}

it('due renewals are found beyond the first page of the index', async () => {
  const { store } = createPagedClient(4);
  expect(await store.findDue({ shard: '0', until: noon, limit: 1000 })).toHaveLength(12);
});

it('no more due renewals are read than were asked for', async () => {
  const { store, limits } = createPagedClient(4);
  expect(await store.findDue({ shard: '0', until: noon, limit: 7 })).toHaveLength(7);
  expect(limits).toEqual([7, 4, 1]);
});
