/** The written forms of typed cells, decided without a regular expression: they run on every row. */

const isDigit = (code: number) => code >= 48 && code <= 57;

function countDigits(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text.charCodeAt(at))) at++;
  return at - from;
}

/** The number in `length` digits; -1 where there are fewer. */
function numberAt(text: string, from: number, length: number): number {
  let value = 0;
  for (let at = from; at < from + length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const daysIn = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDateAt(text: string): boolean {
  const year = numberAt(text, 0, 4);
  const month = numberAt(text, 5, 2);
  const day = numberAt(text, 8, 2);
  if (year < 0 || text[4] !== '-' || text[7] !== '-' || day < 1) return false;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  return day <= (daysIn[month - 1] ?? -1) + leap;
}

/** YYYY-MM-DD, a day the calendar has. */
export const isDate = (text: string): boolean => text.length === 10 && isDateAt(text);

/** RFC 3339 section 5.6 with a zone; nine digits of a second at most, no leap second. */
export function isTimestamp(text: string): boolean {
  if (text.length < 20 || text.length > 35 || !isDateAt(text)) return false;
  const separator = text.charCodeAt(10) | 32;
  if (separator !== 116 || text[13] !== ':' || text[16] !== ':') return false;
  const [hour, minute, second] = [numberAt(text, 11, 2), numberAt(text, 14, 2), numberAt(text, 17, 2)];
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  let at = 19;
  if (text[at] === '.') {
    const digits = countDigits(text, at + 1);
    if (digits < 1 || digits > 9) return false;
    at += digits + 1;
  }
  return isZone(text, at);
}

function isZone(text: string, at: number): boolean {
  const sign = text[at];
  if (sign === 'Z' || sign === 'z') return at + 1 === text.length;
  if ((sign !== '+' && sign !== '-') || at + 6 !== text.length || text[at + 3] !== ':') return false;
  const [hour, minute] = [numberAt(text, at + 1, 2), numberAt(text, at + 4, 2)];
  return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

/** Digits of a whole number, JSON's grammar: no plus, no leading zero, no negative zero. */
export function isInteger(text: string): boolean {
  const from = text[0] === '-' ? 1 : 0;
  const digits = countDigits(text, from);
  if (digits === 0 || digits > 38 || from + digits !== text.length) return false;
  return text[from] !== '0' || text === '0';
}

/** An integer with an optional fraction; 38 digits in all, which every destination's decimal holds. */
export function isDecimal(text: string): boolean {
  const from = text[0] === '-' ? 1 : 0;
  const whole = countDigits(text, from);
  if (whole === 0 || (whole > 1 && text[from] === '0')) return false;
  const point = from + whole;
  if (point === text.length) return whole <= 38;
  const fraction = text[point] === '.' ? countDigits(text, point + 1) : 0;
  return fraction > 0 && whole + fraction <= 38 && point + 1 + fraction === text.length;
}

/** JSON's number grammar (RFC 8259 section 6), finite as a double. */
export const isNumber = (text: string): boolean =>
  text.length <= 64 &&
  /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) &&
  Number.isFinite(Number(text));
