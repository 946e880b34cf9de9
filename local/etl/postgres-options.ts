import { readCertificates, readPrivateKey } from './option-file.ts';

/** A PostgreSQL server to load into, and what to show it. */
export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** PEM of the roots to trust. */
  readonly caPem: string;
  /** PEM, leaf first. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const names = ['host', 'port', 'user', 'database', 'ca', 'cert', 'key'] as const;
type Name = (typeof names)[number];

/** As the command line gave them. */
export type PostgresFlags = Readonly<Partial<Record<`postgres-${Name}`, string | undefined>>>;

const text = { type: 'string' } as const;

/** For parseArgs. */
export const postgresFlags = {
  'postgres-host': text,
  'postgres-port': text,
  'postgres-user': text,
  'postgres-database': text,
  'postgres-ca': text,
  'postgres-cert': text,
  'postgres-key': text,
} as const;

/**
 * All of the options but the port, or none of them. Undefined when there are none, and when there are problems, each
 * of which is reported: what is missing, what cannot be read, a key that is not the certificate's.
 */
export function readPostgresOptions(
  flags: PostgresFlags,
  report: (problem: string) => void,
): PostgresOptions | undefined {
  if (names.every((name) => flags[`postgres-${name}`] === undefined)) return undefined;
  let whole = true;
  const complain = (problem: string) => {
    whole = false;
    report(problem);
  };
  const wanted = (name: Name): string => flags[`postgres-${name}`]?.trim() ?? '';
  const missing = names.filter((name) => name !== 'port' && wanted(name) === '');
  if (missing.length > 0) {
    const list = missing.map((name) => `--postgres-${name}`).join(', ');
    complain(`PostgreSQL is reached by a client certificate over TLS: give ${list} as well`);
  }
  const read = <T>(name: Name, reader: (file: { option: string; path: string }) => T): T | undefined => {
    if (wanted(name) === '') return undefined;
    try {
      return reader({ option: `--postgres-${name}`, path: wanted(name) });
    } catch (error) {
      complain((error as Error).message);
      return undefined;
    }
  };
  const port = readPort(flags['postgres-port']);
  if (port === undefined) complain(`--postgres-port: "${wanted('port')}" is not a port from 1 to 65535`);
  const ca = read('ca', readCertificates);
  const certificate = read('cert', readCertificates);
  const key = read('key', readPrivateKey);
  if (certificate && key && certificate.certificates[0]?.checkPrivateKey(key.key) === false)
    complain('--postgres-key: is not the key of the first certificate in --postgres-cert');
  if (!whole || !port || !ca || !certificate || !key) return undefined;
  return {
    host: wanted('host'),
    port,
    user: wanted('user'),
    database: wanted('database'),
    caPem: ca.pem,
    certificatePem: certificate.pem,
    privateKeyPem: key.pem,
  };
}

const defaultPort = '5432';

function readPort(value: string = defaultPort): number | undefined {
  const port = Number(value);
  return /^\d{1,5}$/.test(value) && port >= 1 && port <= 65_535 ? port : undefined;
}
