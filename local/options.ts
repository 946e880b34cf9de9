import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure } from '../shared/runtime/errors.ts';
import { readOptionFile } from './etl/option-file.ts';
import { type PostgresOptions, postgresFlags, readPostgresOptions } from './etl/postgres-options.ts';

export const usage = `Usage: npm start -- [options]

Runs certfleet on this machine: inventory, check, renew, deploy, verify and report by the handlers that AWS runs,
against an embedded AWS, CA, DNS and TLS server on loopback.

  --domains FILE     inventory (default: examples/domains.json)
  --once             end when the pass is done; status 0 only if nothing failed
  --json             one JSON summary on stdout, everything else on stderr
  --data-dir DIR     keep state; a later pass skips what is not due and finishes what was cut off
  --directory URL    an outside ACME CA instead of the embedded one
  --ca-roots FILE    PEM roots to trust for that CA, and alone for what it issues
  --limits FACTOR    the embedded CA keeps Let's Encrypt's rate limits, FACTOR times as fast as they are
  --http-port N      answer http-01 on 127.0.0.1:N          (default: a free port)
  --tls-port N       answer tls-alpn-01 and serve on N      (default: a free port)
  --dns-port N       DNS server for every name on N         (default: a free port)
  --port N           dashboard on 127.0.0.1:N, without --once (default: a free port)
  --pipeline FILE    data pipeline to run afterwards (default: examples/pipelines/orders.json)
  --no-etl           run no data pipeline
  --verbose          show the functions' logs
  --help             this text

The pipeline loads into PostgreSQL as well when a server is given, over TLS with a client certificate:

  --postgres-host HOST, --postgres-port N (default: 5432), --postgres-user NAME, --postgres-database NAME
  --postgres-ca FILE            PEM roots; the server's certificate must be for HOST
  --postgres-cert FILE, --postgres-key FILE   the client's certificate and its key, PEM

Without --once the schedules go on until Ctrl-C. Status: 0 done, 1 something failed, 2 bad input, 130 interrupted.
`;

export interface LocalOptions {
  readonly domains: string;
  readonly once: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly dataDir?: string | undefined;
  readonly directoryUrl?: string | undefined;
  /** PEM. */
  readonly caRoots?: string | undefined;
  /** How many times as fast as Let's Encrypt's the embedded CA's limits refill; it has none when absent. */
  readonly limitsFactor?: number | undefined;
  readonly httpPort?: number | undefined;
  readonly tlsPort?: number | undefined;
  readonly dnsPort?: number | undefined;
  readonly dashboardPort?: number | undefined;
  /** The file of the pipeline's definition. */
  readonly pipeline: string;
  /** Whether the pipeline is run. */
  readonly etl: boolean;
  readonly postgres?: PostgresOptions | undefined;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/**
 * Reads the command line; 'help' asks for the usage.
 * @throws Failure `invalid-options` with every problem
 */
export function parseOptions(args: readonly string[]): LocalOptions | 'help' {
  const values = readFlags(args);
  if (values.help) return 'help';
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const port = (name: 'http-port' | 'tls-port' | 'dns-port' | 'port') =>
    attempt(() => readPort(`--${name}`, values[name]));
  const options: LocalOptions = {
    domains: values.domains ?? exampleFile('domains.json'),
    once: values.once ?? false,
    json: values.json ?? false,
    verbose: values.verbose ?? false,
    dataDir: attempt(() => readDataDir(values['data-dir'])),
    directoryUrl: attempt(() => readDirectoryUrl(values.directory)),
    caRoots: attempt(() => readRoots(values['ca-roots'])),
    limitsFactor: attempt(() => readFactor(values.limits)),
    httpPort: port('http-port'),
    tlsPort: port('tls-port'),
    dnsPort: port('dns-port'),
    dashboardPort: port('port'),
    pipeline: values.pipeline ?? exampleFile('pipelines/orders.json'),
    etl: !values['no-etl'],
    postgres: readPostgresOptions(values, (problem) => problems.push(problem)),
  };
  if (values['ca-roots'] && !values.directory) problems.push('--ca-roots goes with --directory');
  if (values.limits && values.directory) problems.push('--limits is about the embedded CA, not --directory');
  if (problems.length > 0) throw invalidOptions(problems);
  return options;
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        domains: text,
        once: flag,
        json: flag,
        verbose: flag,
        help: { ...flag, short: 'h' },
        'data-dir': text,
        directory: text,
        'ca-roots': text,
        limits: text,
        'http-port': text,
        'tls-port': text,
        'dns-port': text,
        port: text,
        pipeline: text,
        'no-etl': flag,
        ...postgresFlags,
      },
    }).values;
  } catch (error) {
    throw invalidOptions([(error as Error).message.split('\n')[0] ?? '']);
  }
}

function readPort(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`${name}: "${value}" is not a port from 0 to 65535`);
}

function readFactor(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const factor = Number(value);
  if (/^\d+(\.\d+)?$/.test(value) && factor > 0) return factor;
  throw new Error(`--limits: "${value}" is not a number above 0; 1 is Let's Encrypt's own pace`);
}

function readDirectoryUrl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (URL.canParse(value) && new URL(value).protocol === 'https:') return value;
  throw new Error(`--directory: "${value}" is not an https URL`);
}

function readDataDir(value: string | undefined): string | undefined {
  if (value?.trim() !== '') return value;
  throw new Error('--data-dir: the name of the directory is empty');
}

function readRoots(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const pem = readOptionFile({ option: '--ca-roots', path });
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new Error(`--ca-roots: ${path} holds no PEM certificate`);
}

const exampleFile = (name: string): string => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

const invalidOptions = (problems: readonly string[]) =>
  new Failure({
    code: 'invalid-options',
    disposition: 'give-up',
    message: `${problems.join('\n')}\nSee npm start -- --help`,
  });
