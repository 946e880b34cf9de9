import type { Random } from '../../runtime/random.ts';

const hexDigits = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

/**
 * A UUID of version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 of chance; as text, ids of later
 * milliseconds are greater.
 */
export function newRunId(now: Date, random: Random): string {
  const bits = (count: number): number => Math.floor(random() * 2 ** count);
  const time = hexDigits(now.getTime(), 12);
  const version = `7${hexDigits(bits(12), 3)}`;
  const variant = hexDigits(0x8000 + bits(14), 4);
  const tail = hexDigits(bits(24), 6) + hexDigits(bits(24), 6);
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${tail}`;
}
