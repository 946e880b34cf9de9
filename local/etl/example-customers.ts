import type { Random } from '../../shared/runtime/random.ts';
import { pick, seededRandom, wholeNumber } from './seeded-random.ts';

/** A customer of the example shop, put together from syllables; nobody is meant. */
export interface ExampleCustomer {
  readonly name: string;
  readonly email: string;
  /** Absent: the shop was not told. */
  readonly phone: string | null;
  readonly street: string;
  readonly city: string;
  readonly postcode: string;
  readonly country: string;
}

const syllables = [
  ...(['zor', 'vak', 'quim', 'brel', 'tush', 'fev', 'grond', 'ixel'] as const),
  ...(['plo', 'rüv', 'skaa', 'dwem', 'jøt', 'neb', 'yast', 'žik'] as const),
] as const;
const streets = ['Lane', 'Row', 'Quay', 'Steps'] as const;
const countries = ['AT', 'BE', 'DE', 'DK', 'ES', 'FR', 'IE', 'IT', 'NL', 'PL', 'SE'] as const;

/**
 * The shop's customer of a number: always the same one, so that a pseudonym is found again in other windows. E-mail
 * addresses are at domains kept for examples (RFC 2606), phone numbers under +999, which no country has.
 */
export function exampleCustomer(number: number): ExampleCustomer {
  const random = seededRandom(`customer ${number}`);
  const first = aWord(random, 2);
  const last = aWord(random, 3);
  const mailbox = `${asciiOf(first)}.${asciiOf(last)}.${number}`;
  return {
    name: `${first} ${last}`,
    email: `${mailbox}@${pick(random, ['example.com', 'example.net'])}`,
    phone: random() < 0.12 ? null : aPhone(random, number),
    street: `${wholeNumber(random, 1, 180)} ${aWord(random, 3)} ${pick(random, streets)}`,
    city: aWord(random, 3),
    postcode: String(10_000 + number),
    country: pick(random, countries),
  };
}

function aWord(random: Random, length: number): string {
  const word = Array.from({ length }, () => pick(random, syllables)).join('');
  return word.charAt(0).toUpperCase() + word.slice(1);
}

const asciiOf = (word: string): string =>
  word
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase();

/** As people write them; the digits hold the customer's number. */
function aPhone(random: Random, number: number): string {
  const digits = String(1_000_000 + number * 7);
  return pick(random, [
    `+999 20 ${digits.slice(0, 3)} ${digits.slice(3)}`,
    `+999 (20) ${digits.slice(0, 3)}-${digits.slice(3)}`,
    `0099920${digits}`,
  ]);
}
