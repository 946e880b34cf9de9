import { Failure } from '../../../runtime/errors.ts';

const space = /[ \t]*/y;
const target = /<([^<>"\s]*)>/y;
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const bareValue = /[^\s",;]+/y;
const longestHeader = 16_384;

interface Link {
  readonly target: string;
  /** Names in lower case; of a name given twice the first counts (RFC 8288 section 3.3). */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The target of the link with rel="next" in a Link field (RFC 8288 section 3), as it is written; undefined where
 * there is none. Links with an `anchor` are about another document and are passed over.
 * @throws Failure `source-link-malformed` (give-up): what cannot be read may have been the next page
 */
export function findNextLink(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const targets = parseLinks(header)
    .filter(({ parameters }) => !parameters.has('anchor') && isNext(parameters.get('rel')))
    .map((link) => link.target);
  if (new Set(targets).size > 1) throw malformed('names more than one next page');
  return targets[0];
}

const isNext = (rel = '') => rel.toLowerCase().split(/\s+/).includes('next');

function parseLinks(header: string): Link[] {
  if (header.length > longestHeader) throw malformed(`is longer than ${longestHeader} characters`);
  const reader = new HeaderReader(header);
  const links: Link[] = [];
  while (!reader.isAtEnd()) {
    // Lists may have empty elements (RFC 9110 section 5.6.1.2).
    if (reader.skip(',')) continue;
    links.push(readLink(reader));
    if (!reader.isAtEnd() && !reader.skip(',')) throw malformed('lacks a comma between links');
  }
  return links;
}

function readLink(reader: HeaderReader): Link {
  const found = reader.take(target);
  if (found === undefined) throw malformed('lacks a target in angle brackets');
  const parameters = new Map<string, string>();
  while (reader.skip(';')) {
    const name = reader.take(token)?.toLowerCase();
    if (name === undefined) continue;
    const value = reader.skip('=') ? readValue(reader) : '';
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return { target: found, parameters };
}

function readValue(reader: HeaderReader): string {
  const text = reader.take(quoted);
  if (text !== undefined) return text.replaceAll(/\\(.)/g, '$1');
  const bare = reader.take(bareValue);
  if (bare === undefined) throw malformed('has a parameter without its value or closing quote');
  return bare;
}

class HeaderReader {
  private readonly text: string;
  private offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  isAtEnd(): boolean {
    this.match(space);
    return this.offset === this.text.length;
  }

  skip(character: string): boolean {
    if (this.isAtEnd() || this.text[this.offset] !== character) return false;
    this.offset += 1;
    return true;
  }

  /** What the pattern's group (or the whole of it) matches after white space. */
  take(pattern: RegExp): string | undefined {
    this.match(space);
    const match = this.match(pattern);
    return match?.[1] ?? match?.[0];
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.offset;
    const match = pattern.exec(this.text);
    if (match) this.offset = pattern.lastIndex;
    return match;
  }
}

const malformed = (what: string) =>
  new Failure({
    code: 'source-link-malformed',
    disposition: 'give-up',
    message: `the Link header of the source ${what}; without it nobody knows whether more pages follow`,
  });
