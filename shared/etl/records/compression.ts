import { Failure } from '../../runtime/errors.ts';

export type Compression = 'none' | 'gzip' | 'deflate' | 'br' | 'zstd';

/** Content codings of RFC 9110 section 8.4.1, `br` of RFC 7932 and `zstd` of RFC 8878; x-gzip is gzip. */
const byCoding: Readonly<Record<string, Compression>> = {
  identity: 'none',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'br',
  zstd: 'zstd',
};
const byEnding: readonly (readonly [string, Compression])[] = [
  ['.gz', 'gzip'],
  ['.gzip', 'gzip'],
  ['.br', 'br'],
  ['.zst', 'zstd'],
  ['.zstd', 'zstd'],
];

export interface CompressionClaims {
  /** The value of a Content-Encoding field, as received. */
  readonly contentEncoding?: string | undefined;
  /** A file's name, an object's key or a URL's path. */
  readonly name?: string | undefined;
}

/**
 * How a source says it is compressed. Objects named `.gz` and stored with `Content-Encoding: gzip` are compressed
 * once, so agreeing claims count as one. Throws `compression-nested` for a list of codings or claims that differ,
 * `compression-unsupported` for a coding outside the list or an archive with entries.
 */
export function chooseCompression({ contentEncoding, name }: CompressionClaims): Compression {
  const coding = codingOf(contentEncoding);
  const ending = endingOf(name);
  if (coding === 'none') return ending;
  if (ending === 'none' || ending === coding) return coding;
  throw refusal('compression-nested', `Content-Encoding ${coding} over a file named as ${ending}`);
}

function codingOf(contentEncoding: string | undefined): Compression {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > 1) throw refusal('compression-nested', `${codings.length} content codings`);
  const [coding = 'identity'] = codings;
  const known = Object.hasOwn(byCoding, coding) ? byCoding[coding] : undefined;
  if (known) return known;
  throw refusal('compression-unsupported', 'a content coding other than gzip, deflate, br and zstd');
}

function endingOf(name: string | undefined): Compression {
  const lowered = name?.toLowerCase() ?? '';
  if (/\.(zip|tar|tgz|tar\.[a-z0-9]+|7z|rar|bz2|xz|lz4|snappy)$/.test(lowered)) {
    throw refusal('compression-unsupported', 'an archive or a compression other than .gz, .br and .zst');
  }
  return byEnding.find(([ending]) => lowered.endsWith(ending))?.[1] ?? 'none';
}

function refusal(code: string, what: string): Failure {
  const message = `the source is declared with ${what}; send it plain or compressed once`;
  return new Failure({ code, disposition: 'give-up', message });
}
