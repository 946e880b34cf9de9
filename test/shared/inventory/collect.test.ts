import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import { collectInventory } from '../../../shared/inventory/collect.ts';
import { noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

describe('collecting an inventory', () => {
  const clock = createFakeClock(noon);
  let certificates = createMemoryCertificateStore();
  beforeEach(() => {
    certificates = createMemoryCertificateStore();
  });
  const collect = (...entries: object[]) =>
    collectInventory({ text: JSON.stringify(entries), source: 'domains.json' }, { certificates, clock });

  it('tracks what appears, changes what changed, retires what vanished, and leaves the rest alone', async () => {
    await collect({ domain: 'a.example.com' }, { domain: 'b.example.com' }, { domain: 'c.example.com' });
    const result = await collect(
      { domain: 'a.example.com' },
      { domain: 'b.example.com', key_type: 'rsa-2048' },
      { domain: 'd.example.com' },
    );
    expect(result).toEqual({
      total: 3,
      appeared: ['d.example.com'],
      changed: [{ name: 'b.example.com', fields: ['keyType'] }],
      vanished: ['c.example.com'],
    });
    expect((await certificates.get('c.example.com'))?.state).toBe('retired');
    expect((await certificates.get('b.example.com'))?.policy.keyType).toBe('rsa-2048');
  });

  it('brings a retired certificate back with the policy of today', async () => {
    await collect({ domain: 'a.example.com' }, { domain: 'b.example.com' });
    await collect({ domain: 'b.example.com' });
    const result = await collect(
      { domain: 'b.example.com' },
      { domain: 'a.example.com', sans: ['www.a.example.com'] },
    );
    expect(result.appeared).toEqual(['a.example.com']);
    expect(await certificates.get('a.example.com')).toMatchObject({
      state: 'tracked',
      policy: { domains: ['a.example.com', 'www.a.example.com'] },
    });
  });

  it('changes nothing when anything is wrong', async () => {
    await collect({ domain: 'a.example.com' });
    await expect(collect({ domain: 'b.example.com' }, { domain: '-' })).rejects.toMatchObject({
      code: 'inventory-invalid',
      message: expect.stringContaining('[1].domain'),
    });
    expect(await certificates.countTracked()).toBe(1);
    expect((await certificates.get('a.example.com'))?.state).toBe('tracked');
  });
});
