import { describe, expect, it } from 'vitest';
import { type AuditEvent, chainStart, linkEvent } from '../../../shared/audit/event.ts';
import { verifyChain } from '../../../shared/audit/verify-chain.ts';

const noon = new Date('2026-11-21T12:00:00.000Z');

function aChain(length: number, chain = 'orders'): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let index = 1; index <= length; index += 1)
    events.push(
      linkEvent(chain, events.at(-1) ?? chainStart, {
        id: `e${index}`,
        kind: 'chunk-loaded',
        at: noon,
        facts: { rows: index, digests: ['ab'] },
      }),
    );
  return events;
}

const altered = (events: readonly AuditEvent[], seq: number, change: Partial<AuditEvent>) =>
  events.map((event) => (event.seq === seq ? { ...event, ...change } : event));

describe('an audit chain', () => {
  it('is intact as it was made, whole, empty, or from a known place on', () => {
    const events = aChain(5);
    const head = { seq: 5, hash: events[4]?.hash };
    expect(verifyChain(events, { head: { seq: 3, hash: events[2]?.hash ?? '' } })).toEqual({
      intact: true,
      head,
    });
    expect(verifyChain([])).toEqual({ intact: true, head: chainStart });
    const from = { seq: 2, hash: events[1]?.hash ?? '' };
    expect(verifyChain(events.slice(2), { from })).toEqual({ intact: true, head });
  });

  it('has the same hashes wherever it is made', () => {
    expect(aChain(2)[1]?.hash).toBe('dca4f1597d4d7a6d0ac16b57567f38f8c95b49372cb096fdd34e56dac572e20f');
  });

  const changes: [string, Partial<AuditEvent>][] = [
    ['facts', { facts: { rows: 4, digests: ['ab'] } }],
    ['a fact that was added', { facts: { rows: 3, digests: ['ab'], more: 1 } }],
    ['time', { at: '2026-11-21T12:00:00.001Z' }],
    ['kind', { kind: 'chunk-lost' }],
    ['id', { id: 'e9' }],
    ['hash', { hash: 'f'.repeat(64) }],
    ['facts that no JSON can hold', { facts: { rows: 0.5 } }],
  ];
  it.each(changes)('shows a changed %s', (_, change) => {
    const events = aChain(5);
    expect(verifyChain(altered(events, 3, change))).toEqual({ intact: false, seq: 3, code: 'altered' });
  });

  it('shows a member that no event has', () => {
    const more = { note: 'slipped in' } as Partial<AuditEvent>;
    expect(verifyChain(altered(aChain(3), 2, more))).toEqual({ intact: false, seq: 2, code: 'altered' });
  });

  it('shows events that are left out, doubled, exchanged, or of another chain', () => {
    const events = aChain(5);
    const [first, second, third, ...rest] = events;
    if (!first || !second || !third) throw new Error('a chain of five');
    const broken = (seq: number, code: string) => ({ intact: false, seq, code });
    expect(verifyChain([first, third, ...rest])).toEqual(broken(2, 'out-of-sequence'));
    expect(verifyChain([first, second, second, third])).toEqual(broken(3, 'out-of-sequence'));
    expect(verifyChain([first, third, second, ...rest])).toEqual(broken(2, 'out-of-sequence'));
    expect(verifyChain(events.slice(1))).toEqual(broken(1, 'out-of-sequence'));
    expect(verifyChain([first, ...aChain(2, 'refunds').slice(1)])).toEqual(broken(2, 'other-chain'));
  });

  it('shows a link that was made anew, since the next one points to the old', () => {
    const events = aChain(5);
    const draft = { id: 'e3', kind: 'chunk-loaded', at: noon, facts: { rows: 0 } };
    const forged = linkEvent('orders', events[1] ?? chainStart, draft);
    expect(verifyChain(altered(events, 3, forged))).toEqual({ intact: false, seq: 4, code: 'link-broken' });
  });

  it('shows by a head kept elsewhere that the end was cut off or made anew', () => {
    const events = aChain(5);
    const head = { seq: 5, hash: events[4]?.hash ?? '' };
    expect(verifyChain(events.slice(0, 4), { head })).toEqual({
      intact: false,
      seq: 5,
      code: 'head-differs',
    });
    const draft = { id: 'e5', kind: 'chunk-loaded', at: noon, facts: { rows: 0 } };
    const forged = [...events.slice(0, 4), linkEvent('orders', events[3] ?? chainStart, draft)];
    expect(verifyChain(forged, { head })).toEqual({ intact: false, seq: 5, code: 'head-differs' });
  });

  it('takes no event that is long enough to carry data', () => {
    const draft = { id: 'e', kind: 'k', at: noon, facts: { text: 'x'.repeat(17_000) } };
    expect(() => linkEvent('orders', chainStart, draft)).toThrow(
      expect.objectContaining({ code: 'audit-event-too-long' }),
    );
  });
});
