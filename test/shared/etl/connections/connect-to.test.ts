import { expect, it } from 'vitest';
import { parseConnectTo } from '../../../../shared/etl/connections/connect-to.ts';

it('places are read with where they really are', () => {
  const text = 'api.shop.example.com:443=127.0.0.1:4433, DB.example.com:5432=[::1]:5433,';
  expect([...parseConnectTo(text)]).toEqual([
    ['api.shop.example.com:443', { host: '127.0.0.1', port: 4433 }],
    ['db.example.com:5432', { host: '::1', port: 5433 }],
  ]);
});

it('nothing is nowhere else', () => {
  expect(parseConnectTo('').size).toBe(0);
});

it.each(['api.example.com=127.0.0.1:1', 'a:1=b', 'a:1', 'a:1=b:2=c:3', 'a:1=b:99999', '::1:443=b:1'])(
  'what cannot be read is refused: %s',
  (text) => {
    expect(() => parseConnectTo(text)).toThrow(expect.objectContaining({ code: 'invalid-configuration' }));
  },
);
