import { createHash } from 'node:crypto';
import { millisBetween } from '../runtime/clock.ts';
import type { Place } from './plan-ground.ts';

const spreadShare = 0.05;
const widestSpreadMillis = 900_000;

/**
 * Moves apart those who would all come at one instant, such as the end of a CA's Retry-After: over a twentieth
 * of the wait, a quarter of an hour at most. Each name's place in the spread is always the same.
 */
export function spreadHerds<Item extends { readonly name: string }>(
  places: readonly Place<Item>[],
  now: Date,
): Place<Item>[] {
  const crowds = new Map<number, number>();
  for (const { at } of places) crowds.set(at.getTime(), (crowds.get(at.getTime()) ?? 0) + 1);
  return places.map((place) => {
    const waitMillis = millisBetween(now, place.at);
    if (waitMillis <= 0 || (crowds.get(place.at.getTime()) ?? 0) < 2) return place;
    const widthMillis = Math.min(waitMillis * spreadShare, widestSpreadMillis);
    return {
      ...place,
      at: new Date(place.at.getTime() + Math.round(shareOf(place.item.name) * widthMillis)),
    };
  });
}

/** A number in [0, 1) that is the name's own. */
const shareOf = (name: string): number =>
  createHash('sha256').update(name).digest().readUInt32BE(0) / 2 ** 32;
