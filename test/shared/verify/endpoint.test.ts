import { describe, expect, it } from 'vitest';
import { chooseEndpoints, nameEndpoint } from '../../../shared/verify/endpoint.ts';

const chosen = (domains: readonly string[], endpoints: readonly string[] = []) =>
  chooseEndpoints({ domains, endpoints }).map(nameEndpoint);

describe('the endpoints of a certificate', () => {
  it.each([
    ['every domain at 443', ['a.example', 'b.example'], [], ['a.example:443', 'b.example:443']],
    ['no wildcard where there is a plain domain', ['*.a.example', 'a.example'], [], ['a.example:443']],
    [
      'www in place of the star of wildcards alone',
      ['*.a.example', '*.b.example'],
      [],
      ['www.a.example:443', 'www.b.example:443'],
    ],
    [
      'what the policy names instead',
      ['a.example'],
      ['b.example', 'a.example:8443'],
      ['b.example:443', 'a.example:8443'],
    ],
    [
      'none twice',
      ['a.example'],
      ['b.example', 'b.example:443', 'b.example:444'],
      ['b.example:443', 'b.example:444'],
    ],
  ])('are %s', (_, domains, endpoints, expected) => {
    expect(chosen(domains, endpoints)).toEqual(expected);
  });
});
