import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pair } from '../../../local/etl/certificates.ts';
import { parseOptions } from '../../../local/options.ts';
import { aPair, aPrivateCa } from './builders.ts';

let directory: string;
let rootPem: string;
let pair: Pair;
let flags: Record<string, string>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'certfleet-postgres-'));
  const ca = await aPrivateCa();
  rootPem = ca.rootPem;
  pair = await aPair(ca, { name: 'loader', usage: 'client' });
  const other = await aPair(ca, { name: 'other', usage: 'client' });
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  file('other.key', other.privateKeyPem);
  file('broken.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  flags = {
    host: 'db.example.com',
    user: 'loader',
    database: 'analytics',
    ca: file('ca.crt', ca.rootPem),
    cert: file('client.crt', pair.fullchainPem),
    key: file('client.key', pair.privateKeyPem),
  };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const parse = (given: Record<string, string>) =>
  parseOptions(Object.entries(given).flatMap(([name, value]) => [`--postgres-${name}`, value]));
const path = (name: string) => join(directory, name);
function problemsOf(given: Record<string, string>): string {
  try {
    parse(given);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the options of a PostgreSQL server', () => {
  it('are read with their files', () => {
    expect(parse(flags)).toMatchObject({
      postgres: {
        host: 'db.example.com',
        port: 5432,
        user: 'loader',
        database: 'analytics',
        caPem: rootPem,
        certificatePem: pair.fullchainPem,
        privateKeyPem: pair.privateKeyPem,
      },
    });
    expect(parse({ ...flags, port: '5433' })).toMatchObject({ postgres: { port: 5433 } });
  });

  it('are none when none is given', () => {
    expect(parseOptions([])).toMatchObject({ postgres: undefined });
  });

  it.each(['host', 'user', 'database', 'ca', 'cert', 'key'])('say that --postgres-%s is missing', (name) => {
    const { [name]: _, ...others } = flags;
    expect(problemsOf(others)).toContain(`give --postgres-${name} as well`);
    expect(problemsOf({ ...flags, [name]: ' ' })).toContain(`give --postgres-${name} as well`);
  });

  it('say all that is missing at once, whichever is given', () => {
    expect(problemsOf({ port: '5432' })).toContain(
      '--postgres-host, --postgres-user, --postgres-database, --postgres-ca, --postgres-cert, --postgres-key',
    );
  });

  it.each<[string, () => Record<string, string>, string]>([
    ['a port that is none', () => ({ port: '0' }), '--postgres-port: "0" is not a port'],
    ['an empty port', () => ({ port: '' }), '--postgres-port: "" is not a port'],
    ['a file that is not there', () => ({ ca: path('none') }), '--postgres-ca: ENOENT'],
    ['roots that are no PEM', () => ({ ca: path('client.key') }), 'client.key holds no PEM certificate'],
    [
      'a broken certificate',
      () => ({ cert: path('broken.crt') }),
      'broken.crt holds a certificate that cannot',
    ],
    ['a key that is none', () => ({ key: path('ca.crt') }), 'ca.crt holds no PEM private key'],
    [
      "another certificate's key",
      () => ({ key: path('other.key') }),
      'is not the key of the first certificate',
    ],
  ])('refuse %s', (_, changes, message) => {
    expect(problemsOf({ ...flags, ...changes() })).toContain(message);
  });

  it('tell every problem at once and quote no file', () => {
    const problems = problemsOf({ ...flags, user: '', port: 'x', ca: path('none'), key: path('broken.crt') });
    expect(problems.split('\n')).toHaveLength(5);
    expect(problems).not.toContain('AAAA');
  });
});
