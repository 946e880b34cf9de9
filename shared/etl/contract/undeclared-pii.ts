import { RE2JS } from 're2js';
import type { Cell, Row } from '../record.ts';

export type PiiKind = 'email' | 'payment-card' | 'iban';

/** What a sample suggests about a column; counts only. */
export interface PiiWarning {
  readonly column: string;
  readonly kind: PiiKind;
  /** Sampled rows in which it was found. */
  readonly rows: number;
  readonly sampled: number;
}

/** Text looked at in one cell. */
const mostCharacters = 4_096;

const email = RE2JS.compile(
  '[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63})*\\.[A-Za-z]{2,24}',
);
const card = RE2JS.compile('\\b[2-6](?:[ -]?[0-9]){12,18}\\b');
const iban = RE2JS.compile('\\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\\b');

const detectors: readonly { kind: PiiKind; finds: (text: string) => boolean }[] = [
  { kind: 'email', finds: (text) => text.includes('@') && email.test(text) },
  { kind: 'payment-card', finds: (text) => anyMatch(card, text, passesLuhn) },
  { kind: 'iban', finds: (text) => anyMatch(iban, text, passesMod97) },
];

function anyMatch(pattern: RE2JS, text: string, isGenuine: (found: string) => boolean): boolean {
  const matcher = pattern.matcher(text);
  while (matcher.find()) {
    const found = matcher.group();
    if (found && isGenuine(found.replaceAll(/[ -]/g, ''))) return true;
  }
  return false;
}

/** ISO/IEC 7812-1, Annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0 && !/^0+$/.test(digits);
}

/** ISO 13616: the first four characters moved behind, letters as 10 to 35, modulo 97. */
function passesMod97(text: string): boolean {
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    for (const digit of Number.parseInt(character, 36).toString()) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}

/**
 * Looks for e-mail addresses, payment card numbers and IBANs in columns that are to arrive in clear. A hint for
 * people, not a proof: forms without a checksum or a sign of their own are not looked for.
 */
export function scanForUndeclaredPii(sample: readonly Row[], columns: readonly string[]): PiiWarning[] {
  return columns.flatMap((column) =>
    detectors.flatMap(({ kind, finds }) => {
      const rows = sample.filter((row) => someText(row[column] ?? null, finds)).length;
      return rows === 0 ? [] : [{ column, kind, rows, sampled: sample.length }];
    }),
  );
}

function someText(cell: Cell, finds: (text: string) => boolean): boolean {
  if (typeof cell === 'string') return finds(cell.slice(0, mostCharacters));
  if (typeof cell === 'number') return finds(String(cell));
  if (typeof cell !== 'object' || cell === null) return false;
  return Object.values(cell).some((inner) => someText(inner, finds));
}
