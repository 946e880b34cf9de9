import { describe, expect, it } from 'vitest';
import { chainStart } from '../../shared/audit/event.ts';
import type { AuditLog } from '../../shared/audit/log.ts';
import { verifyChain } from '../../shared/audit/verify-chain.ts';
import { noon } from '../shared/etl/ledger/builders.ts';

const draft = (id: string) => ({
  id,
  kind: 'run-committed',
  at: noon,
  facts: { rows: 3, hosts: ['a'], note: 'ä\u2028' },
});

/** What every AuditLog keeps to; `make` answers an empty one. */
export function describeAuditLogContract(name: string, make: () => Promise<AuditLog>): void {
  describe(`${name} as an AuditLog`, () => {
    const readAll = (log: AuditLog, chain: string, after = 0) => Array.fromAsync(log.read(chain, after));

    it('answers the start for a chain without events', async () => {
      const log = await make();
      expect(await log.head('orders')).toEqual(chainStart);
      expect(await readAll(log, 'orders')).toEqual([]);
    });

    it('links each event to the one before and gives them back as they were hashed', async () => {
      const log = await make();
      const told = [];
      for (const id of ['a', 'b', 'c']) told.push(await log.append('orders', draft(id)));
      const events = await readAll(log, 'orders');
      expect(events).toEqual(told);
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(verifyChain(events)).toEqual({ intact: true, head: await log.head('orders') });
      expect(await readAll(log, 'orders', 2)).toEqual(told.slice(2));
    });

    it('keeps chains apart', async () => {
      const log = await make();
      await log.append('orders', draft('a'));
      expect((await log.append('refunds', draft('a'))).seq).toBe(1);
    });

    it('records an event once that is told again', async () => {
      const log = await make();
      const first = await log.append('orders', draft('a'));
      await log.append('orders', draft('b'));
      expect(await log.append('orders', draft('a'))).toEqual(first);
      expect(await readAll(log, 'orders')).toHaveLength(2);
    });

    it('loses and doubles nothing of many writers at once', async () => {
      const log = await make();
      const ids = Array.from({ length: 30 }, (_, index) => `event ${index}`);
      await Promise.all(ids.map((id) => log.append('orders', draft(id))));
      const events = await readAll(log, 'orders');
      expect(events.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      expect(verifyChain(events).intact).toBe(true);
    });
  });
}
