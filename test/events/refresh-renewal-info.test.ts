import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { collectInventory } from '../../events/collect-inventory.ts';
import { refreshRenewalInfo } from '../../events/refresh-renewal-info.ts';

it('the messages in the sample of refresh-renewal-info fit their schema', () => {
  const url = new URL('../../events/samples/refresh-renewal-info.json', import.meta.url);
  const { Records } = JSON.parse(readFileSync(url, 'utf8'));
  expect(Records).toHaveLength(1);
  for (const { body } of Records)
    expect(refreshRenewalInfo.safeParse(JSON.parse(body)).error).toBeUndefined();
});

it.each([
  ['no name', { certificateNames: [] }],
  ['more names than one message holds', { certificateNames: Array(51).fill('a.example.com') }],
  ['an empty name', { certificateNames: [''] }],
  ['a field too many', { certificateNames: ['a.example.com'], window: {} }],
])('a message with %s is refused', (_, message) => {
  expect(refreshRenewalInfo.safeParse(message).success).toBe(false);
});

it('retirements are guarded unless a person says otherwise', () => {
  expect(collectInventory.parse({}).confirmRetirements).toBe(false);
  expect(collectInventory.safeParse({ confirmRetirements: 'yes' }).success).toBe(false);
});
