import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderFairly, type Turn } from '../../../shared/renewal/fair-order.ts';
import { daysAfter, noon } from '../../support/builders.ts';

const aTurn = (name: string, changes: Partial<Turn> = {}): Turn => ({
  name,
  domain: name.split('.').slice(-2).join('.'),
  failing: false,
  dueAt: noon,
  ...changes,
});
const names = (turns: readonly Turn[]) => orderFairly(turns).map(({ name }) => name);

describe('the order of renewals', () => {
  it('takes the registered domains in turn', () => {
    const huge = [0, 1, 2].map((index) => aTurn(`h${index}.huge.com`));
    expect(names([...huge, aTurn('www.small.com'), aTurn('www.tiny.com')])).toEqual([
      'h0.huge.com',
      'www.small.com',
      'www.tiny.com',
      'h1.huge.com',
      'h2.huge.com',
    ]);
  });

  it('puts those that keep failing behind all others', () => {
    const dead = aTurn('a.dead.com', { failing: true, dueAt: daysAfter(noon, -30) });
    expect(names([dead, aTurn('b.live.com'), aTurn('c.live.com')])).toEqual([
      'b.live.com',
      'c.live.com',
      'a.dead.com',
    ]);
  });

  it('takes the oldest due of a domain first, and of equals the nearest to expiry', () => {
    const turns = [
      aTurn('none.a.com'),
      aTurn('late.a.com', { expiresAt: daysAfter(noon, 9) }),
      aTurn('soon.a.com', { expiresAt: daysAfter(noon, 1) }),
      aTurn('old.a.com', { dueAt: daysAfter(noon, -1) }),
    ];
    expect(names(turns)).toEqual(['old.a.com', 'soon.a.com', 'late.a.com', 'none.a.com']);
  });

  it('does not depend on how they were listed', () => {
    const turn = fc.record({
      name: fc.string({ minLength: 1 }),
      domain: fc.constantFrom('a.com', 'b.com', 'c.com'),
      failing: fc.boolean(),
      dueAt: fc.constantFrom(noon, daysAfter(noon, -1)),
      expiresAt: fc.constantFrom(undefined, daysAfter(noon, 1), daysAfter(noon, 2)),
    });
    const turns = fc.uniqueArray(turn, { selector: ({ name }) => name, maxLength: 40 });
    const shuffled = turns.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(orderFairly(other)).toEqual(orderFairly(one));
      }),
    );
  });

  it('lets no live domain wait longer than one round of the domains, though nine of ten names are dead (F13)', () => {
    const dead = Array.from({ length: 900 }, (_, index) =>
      aTurn(`x${index}.dead.com`, { failing: true, dueAt: daysAfter(noon, -9) }),
    );
    const undiscovered = Array.from({ length: 900 }, (_, index) => aTurn(`y${index}.dead.com`));
    const live = Array.from({ length: 100 }, (_, index) => aTurn(`www.live${index}.com`));
    const order = names([...dead, ...undiscovered, ...live]);
    const last = Math.max(...live.map(({ name }) => order.indexOf(name)));
    expect(last).toBeLessThanOrEqual(100);
  });
});
