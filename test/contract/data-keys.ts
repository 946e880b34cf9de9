import { describe, expect, it } from 'vitest';
import type { DataKeys } from '../../shared/etl/cells/data-keys.ts';

/** What every key service promises its callers. */
export function describeDataKeysContract(name: string, make: () => DataKeys): void {
  const purpose = { pipeline: 'orders', table: 'orders', runId: 'run-1' };

  describe(`data keys: ${name}`, () => {
    it('are 32 bytes, new every time, each with a name of its own', async () => {
      const keys = make();
      const [first, second] = [await keys.generate(purpose), await keys.generate(purpose)];
      expect([first.plaintext.length, second.plaintext.length]).toEqual([32, 32]);
      expect(Buffer.from(first.plaintext).equals(second.plaintext)).toBe(false);
      expect(first.keyId).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(first.keyId).not.toBe(second.keyId);
    });

    it('are opened from what was wrapped', async () => {
      const keys = make();
      const { keyId, wrapped, plaintext } = await keys.generate(purpose);
      const opened = await keys.open({ keyId, wrapped, purpose });
      expect(Buffer.from(opened.plaintext).equals(plaintext)).toBe(true);
      expect(opened.keyId).toBe(keyId);
    });

    it('do not show themselves in what is wrapped', async () => {
      const { wrapped, plaintext } = await make().generate(purpose);
      expect(Buffer.from(wrapped, 'base64').includes(Buffer.from(plaintext))).toBe(false);
    });

    it.each(['pipeline', 'table', 'runId'] as const)('open for no other %s', async (part) => {
      const keys = make();
      const key = await keys.generate(purpose);
      await expect(keys.open({ ...key, purpose: { ...purpose, [part]: 'other' } })).rejects.toMatchObject({
        code: 'data-key-denied',
        disposition: 'give-up',
      });
    });

    it('do not open from anything else', async () => {
      const keys = make();
      const key = await keys.generate(purpose);
      const broken = Buffer.from(key.wrapped, 'base64');
      broken.writeUInt8(broken.readUInt8(20) ^ 1, 20);
      for (const wrapped of ['', 'AAAA', broken.toString('base64')]) {
        await expect(keys.open({ ...key, wrapped })).rejects.toMatchObject({ code: 'data-key-denied' });
      }
    });
  });
}
