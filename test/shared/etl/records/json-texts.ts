import fc from 'fast-check';

const scalars = [
  ...['0', '-0', '7', '-1.5e3', '1e400', '9007199254740991', '9007199254740992', '-12345678901234567890'],
  ...['true', 'null', 'NaN', '01', '1.', '"x"', '":"', '"::"', '"\\u003a"', '"\\u0041"', '"\\ud800"'],
  ...['"\\ud83d\\ude00"', '"\\n\\""', '"a,b}"', '"\u00e9"', '"\u65e5"', '"\\x"', '"', ''],
];
const keys = [
  '"a"',
  '"b"',
  '"\\u0061"',
  '"a:"',
  '""',
  '"1"',
  '"__proto__"',
  '"constructor"',
  '"\\u003a"',
  'a',
];
const space = fc.constantFrom('', '', '', ' ', '\t');
/** Mostly what is right, so that whole objects often are. */
const scalar = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('1', '"v"', 'false', '"12:30"', '[]', '{}') },
  { weight: 1, arbitrary: fc.constantFrom(...scalars) },
);
const key = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 30 }).map((each) => `"k${each}"`) },
  { weight: 1, arbitrary: fc.constantFrom(...keys) },
);

const { object } = fc.letrec<{ object: string; array: string; value: string }>((tie) => ({
  object: fc
    .array(fc.tuple(space, key, space, tie('value')), { maxLength: 5 })
    .map((members) => `{${members.map(([a, name, b, value]) => `${a}${name}:${b}${value}`).join(',')}}`),
  array: fc.array(tie('value'), { maxLength: 3 }).map((elements) => `[${elements.join(',')}]`),
  value: fc.oneof({ maxDepth: 3 }, { weight: 6, arbitrary: scalar }, tie('object'), tie('array')),
}));

/** Texts of rows: right ones and ones that break a rule, never with a line feed. */
export const rowTexts = fc.oneof(
  { weight: 8, arbitrary: object },
  { weight: 1, arbitrary: scalar },
  {
    weight: 1,
    arbitrary: fc.tuple(object, fc.nat(), fc.constantFrom('"', '\\', ':', ',', '}', '')).map(damage),
  },
);

function damage([text, seed, character]: [string, number, string]): string {
  const at = seed % (text.length + 1);
  return text.slice(0, at) + character + text.slice(at + 1);
}
