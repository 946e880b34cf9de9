import { describe, expect, it } from 'vitest';
import { readIdentifiers } from '../../../local/ca/identifiers.ts';
import type { AcmeProblem } from '../../../local/ca/problem.ts';

const dns = (...values: string[]) => values.map((value) => ({ type: 'dns', value }));

function refusalOf(value: unknown): AcmeProblem {
  try {
    readIdentifiers(value);
  } catch (error) {
    return error as AcmeProblem;
  }
  throw new Error('nothing was refused');
}

describe('the identifiers of an order', () => {
  it('are lower case, unique and sorted', () => {
    expect(readIdentifiers(dns('WWW.example.com', '*.a.example.com', 'www.example.com'))).toEqual([
      '*.a.example.com',
      'www.example.com',
    ]);
  });

  it.each([
    'a..example.com',
    '-a.example.com',
    'a_b.example.com',
    'example.com.',
    'a.*.example.com',
    '*.*.example.com',
    'münchen.example',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(130)}com`,
    'localhost',
    '*.com',
    'co.uk',
    '*.co.uk',
    '127.0.0.1',
    '',
  ])('cannot be %j', (name) => {
    expect(refusalOf(dns(name))).toMatchObject({
      type: 'rejectedIdentifier',
      document: { identifier: { type: 'dns', value: name } },
    });
  });

  it('can be a wildcard together with its apex', () => {
    expect(readIdentifiers(dns('*.example.com', 'example.com'))).toHaveLength(2);
  });

  it('cannot be a wildcard together with a name that it covers', () => {
    const refusal = refusalOf(dns('*.example.com', 'a.example.com'));
    expect([refusal.type, refusal.message]).toEqual([
      'malformed',
      expect.stringContaining('redundant with a wildcard'),
    ]);
  });

  it.each(['192.0.2.7', '2001:db8::7', '::1'])(
    'can be the address %s where addresses are issued',
    (value) => {
      expect(readIdentifiers([{ type: 'ip', value }], ['dns', 'ip'])).toEqual([value]);
    },
  );

  it.each(['192.0.2.07', '2001:DB8::7', '2001:db8:0::7', '[::1]', 'www.example.com', ''])(
    'cannot be the address %j',
    (value) => {
      expect(() => readIdentifiers([{ type: 'ip', value }], ['dns', 'ip'])).toThrow('canonical form');
    },
  );

  it.each([undefined, [], 'example.com', [{ type: 'dns' }], [null]])('cannot be %j', (value) => {
    expect(refusalOf(value).type).toBe('malformed');
  });

  it('are refused one by one in subproblems', () => {
    const { document } = refusalOf([
      ...dns('ok.example.com', 'a_b.example.com'),
      { type: 'ip', value: '127.0.0.1' },
    ]);
    expect(
      document.subproblems?.map(({ type, identifier }) => [type.split(':').at(-1), identifier?.value]),
    ).toEqual([
      ['rejectedIdentifier', 'a_b.example.com'],
      ['unsupportedIdentifier', '127.0.0.1'],
    ]);
  });
});
