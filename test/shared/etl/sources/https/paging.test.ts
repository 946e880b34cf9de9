import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CursorScan } from '../../../../../shared/etl/sources/https/cursor-scan.ts';
import { findNextLink } from '../../../../../shared/etl/sources/https/link-header.ts';
import { nextPlace, type PageFacts, urlOfPlace } from '../../../../../shared/etl/sources/https/pagination.ts';
import {
  formatCheckpoint,
  type Place,
  parseCheckpoint,
} from '../../../../../shared/etl/sources/https/place.ts';
import { parseRetryAfter } from '../../../../../shared/etl/sources/https/retry-after.ts';
import { aDefinition } from './api-scene.ts';

describe('a Link header', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['</a?p=2>; rel="next"', '/a?p=2'],
    ['</a>;rel=next', '/a'],
    ['</first>; rel="first", </a>; rel="prefetch NEXT"; title="a, \\"b\\"; c"', '/a'],
    [', , </a>; rel=next ,', '/a'],
    ['</a>; rel=prev; rel=next', undefined],
    ['</a>; rel="next"; anchor="/other"', undefined],
    ['</a,b>; rel="next", </a,b>; rel="next"', '/a,b'],
    ['<>; rel="next"', ''],
    ["</a>; rel*=UTF-8''next; rel=next", '/a'],
  ])('%j leads to %j', (header, expected) => {
    expect(findNextLink(header)).toBe(expected);
  });

  it.each([
    '/a; rel=next',
    '</a; rel=next',
    '</a> rel=next',
    '</a>; rel="next',
    '</a>; rel=',
    '</a>; rel=next </b>',
    '</a>; rel=next, </b>; rel=next',
    `<${'a'.repeat(20_000)}>; rel=next`,
  ])('that is malformed fails instead of ending the pages: %.40s', (header) => {
    expect(() => findNextLink(header)).toThrow(expect.objectContaining({ code: 'source-link-malformed' }));
  });

  it('is read in a time that grows with its length alone', () => {
    const header = `</a>; x="${'\\'.repeat(15_000)}`;
    const since = performance.now();
    expect(() => findNextLink(header)).toThrow();
    expect(performance.now() - since).toBeLessThan(100);
  });
});

describe('the cursor of a page', () => {
  const scan = (pointer: string, text: string, chunkBytes = 1_000) => {
    const bytes = Buffer.from(text);
    const found = new CursorScan(pointer);
    for (let at = 0; at < bytes.length; at += chunkBytes) found.push(bytes.subarray(at, at + chunkBytes));
    return found.cursor();
  };

  it.each([
    ['/next', '{"next":"abc"}', 'abc'],
    ['/next', '\ufeff {"rows":[{"next":"x"}],"next" : "a\\u0062c\\"" }', 'abc"'],
    ['/next', '{"next":null}', undefined],
    ['/next', '{"next":""}', undefined],
    ['/next', '{"next":false}', undefined],
    ['/next', '{"rows":[]}', undefined],
    ['/next', '[]', undefined],
    ['/next', '', undefined],
    ['/next', '{"next":12345678901234567890}', '12345678901234567890'],
    ['/a/b~1c/~0d', '{"x":{"b/c":1},"a":{"b/c":{"~d":"y"}}}', 'y'],
    ['/links/1/to', '{"links":[{"to":"a"},{"to":"b"},{"to":"c"}]}', 'b'],
    ['/links/0', '{"links":[]}', undefined],
    ['/data/next', '{"data":{"items":[{"a":"}]"}],"next":"z"}}', 'z'],
    ['/data/next', '{"data":"next"}', undefined],
  ])('at %s of %s is %j', (pointer, text, expected) => {
    expect(scan(pointer, text)).toBe(expected);
    expect(scan(pointer, text, 1)).toBe(expected);
  });

  it.each([
    '{"next":true}',
    '{"next":{}}',
    '{"next":[1]}',
    '{"next":1.5}',
    `{"next":"${'a'.repeat(5_000)}"}`,
    '{"next":"\\ud800"}',
  ])('that is no cursor fails instead of ending the pages: %.40s', (text) => {
    expect(() => scan('/next', text)).toThrow(expect.objectContaining({ code: 'source-cursor-invalid' }));
  });

  it('is what JSON.parse finds there, however the document is cut and laid out', () => {
    const keys = fc.constantFrom('a', 'b', 'next', '{', '"', 'ü');
    const document = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(null, 'text', '"]}', 7, ''),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    const path = fc.array(fc.constantFrom('a', 'b', 'next', '0', '1', '{', '"', 'ü'), {
      minLength: 1,
      maxLength: 3,
    });
    const check = (value: unknown, tokens: string[], cut: number, indent: number) => {
      const expected = tokens.reduce<unknown>(
        (at, token) =>
          typeof at === 'object' && at !== null && Object.hasOwn(at, token)
            ? (at as Record<string, unknown>)[token]
            : undefined,
        JSON.parse(JSON.stringify(value)),
      );
      if (typeof expected === 'object' && expected !== null) return;
      const text = JSON.stringify(value, undefined, indent);
      const wanted =
        expected === undefined || expected === null || expected === '' ? undefined : String(expected);
      expect(scan(`/${tokens.join('/')}`, text, cut)).toBe(wanted);
    };
    fc.assert(fc.property(document, path, fc.integer({ min: 1, max: 40 }), fc.constantFrom(0, 2), check), {
      numRuns: 500,
    });
  });
});

describe('the next page', () => {
  const facts = (rows: number): PageFacts => ({
    rows,
    lastOrdinal: rows,
    digest: '',
    textBytes: 0,
    url: new URL('https://peer.example.com/v1/rows?p=1'),
  });
  const numbered = (part: Partial<Extract<Place, { kind: 'page' }>> = {}): Place => ({
    kind: 'page',
    page: 1,
    isSizeKept: false,
    isAfterShort: false,
    ...part,
  });
  const sized = aDefinition({
    pagination: { type: 'page', parameter: 'p', first: 1, sizeParameter: 'n', size: 100 },
  });

  it('does not come after an empty one', () => {
    expect(nextPlace(numbered(), facts(0), sized)).toBeUndefined();
  });

  it('does not come after a short one, where pages have had the size asked for', () => {
    expect(nextPlace(numbered(), facts(100), sized)).toEqual(numbered({ page: 2, isSizeKept: true }));
    expect(nextPlace(numbered({ page: 2, isSizeKept: true }), facts(99), sized)).toBeUndefined();
  });

  it('comes after a short one where the API may have a smaller size of its own', () => {
    expect(nextPlace(numbered(), facts(50), sized)).toEqual(numbered({ page: 2, isAfterShort: true }));
  });

  it('is resolved against the page that links to it', () => {
    const linked = aDefinition({ pagination: { type: 'link' } });
    const follow = (target: string) =>
      nextPlace({ kind: 'link' }, { ...facts(1), link: `<${target}>; rel=next` }, linked);
    expect(follow('?p=2#frag')).toEqual({ kind: 'link', target: '/v1/rows?p=2' });
    expect(follow('../v2/rows')).toEqual({ kind: 'link', target: '/v2/rows' });
    expect(follow('https://peer.example.com:443/x')).toEqual({ kind: 'link', target: '/x' });
    const doubled = follow('https://peer.example.com//elsewhere.example.com/x');
    expect(doubled).toEqual({ kind: 'link', target: '//elsewhere.example.com/x' });
    const url = doubled && urlOfPlace(new URL('https://peer.example.com/v1/rows'), doubled, linked);
    expect(url?.href).toBe('https://peer.example.com//elsewhere.example.com/x');
  });
});

describe('a checkpoint', () => {
  it.each<Place>([
    { kind: 'page', page: 7, isSizeKept: true, isAfterShort: false },
    { kind: 'cursor', cursor: 'c"é' },
    { kind: 'link', target: '/a?b=c' },
  ])('is read back: %j', (place) => {
    const text = formatCheckpoint({ place, ordinal: 12 });
    expect(parseCheckpoint(text ?? '', place.kind)).toEqual({ place, ordinal: 12 });
  });

  it('is not made of a place too long for the ledger', () => {
    expect(
      formatCheckpoint({ place: { kind: 'cursor', cursor: 'a'.repeat(1_501) }, ordinal: 1 }),
    ).toBeUndefined();
    expect(
      formatCheckpoint({ place: { kind: 'cursor', cursor: '"'.repeat(1_200) }, ordinal: 1 }),
    ).toBeUndefined();
  });

  it.each([
    '',
    '{}',
    '{"ordinal":1,"place":{"kind":"link","target":"https://elsewhere"}}',
    '{"ordinal":-1,"place":{"kind":"cursor","cursor":"a"}}',
  ])('that is none is refused: %s', (text) => {
    expect(() => parseCheckpoint(text, 'link')).toThrow(
      expect.objectContaining({ code: 'checkpoint-invalid' }),
    );
  });
});

describe('Retry-After', () => {
  const now = new Date('2026-11-22T10:00:00Z');
  it.each([
    ['120', 120],
    [' 0 ', 0],
    ['Sun, 22 Nov 2026 10:00:30 GMT', 30],
    ['Sunday, 22-Nov-26 10:00:30 GMT', 30],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['Sun Nov 22 10:00:30 2026', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['9999999999', undefined],
    [undefined, undefined],
  ])('%j asks for %j seconds', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});
