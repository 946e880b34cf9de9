import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { getPublicSuffix } from 'tldts';

export type DomainNameVerdict =
  | { readonly ok: true; readonly domain: string }
  | { readonly ok: false; readonly reason: string };

const maximumNameOctets = 253;
const maximumLabelOctets = 63;
const invisible = /[\p{C}\p{Z}]/u;
const asciiOnly = /^[\x21-\x7e]*$/;

/**
 * Reads one DNS name a certificate may carry (RFC 8555, 7.1.3). The accepted form is in lower case, in
 * A-labels (UTS 46), without a trailing dot, with at most one wildcard as its leftmost label; parsing it
 * again answers itself. Nothing is trimmed or repaired: what a person did not mean is refused with a reason.
 */
export function parseDomainName(text: string): DomainNameVerdict {
  const misread = findForeignForm(text);
  if (misread) return refuse(misread);

  const wildcard = text.startsWith('*.');
  const base = wildcard ? text.slice(2) : text;
  const ascii = asciiOnly.test(base) ? base.toLowerCase() : domainToASCII(base);
  if (ascii === '') return refuse('is not a valid internationalised name (UTS 46)');

  const reason = findNameFault(ascii, wildcard) ?? findPublicSuffixFault(ascii, wildcard);
  return reason ? refuse(reason) : { ok: true, domain: wildcard ? `*.${ascii}` : ascii };
}

const refuse = (reason: string): DomainNameVerdict => ({ ok: false, reason });

/** What was written in place of a name, recognised before any conversion could hide it. */
function findForeignForm(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (invisible.test(text)) return 'contains a space, control or invisible character';
  if (text.includes('://')) return 'is a URL; give the host name alone';
  if (text.includes('@')) return 'is an e-mail address; give the host name alone';
  if (isIP(text.replace(/^\[(.*)\]$/, '$1'))) {
    return 'is an IP address, not a DNS name';
  }
  if (/:\d+$/.test(text)) return 'has a port; give the host name alone';
  if (text.includes('*')) return findWildcardFault(text);
  return undefined;
}

function findWildcardFault(text: string): string | undefined {
  const wildcards = text.split('*').length - 1;
  if (wildcards > 1) return 'has more than one wildcard';
  return text.startsWith('*.') ? undefined : 'has a wildcard that is not the whole leftmost label';
}

function findNameFault(ascii: string, wildcard: boolean): string | undefined {
  if (ascii.endsWith('.')) return 'ends with a dot';
  const octets = ascii.length + (wildcard ? 2 : 0);
  if (octets > maximumNameOctets) return `has ${octets} octets; ${maximumNameOctets} are allowed`;
  const labels = ascii.split('.');
  for (const label of labels) {
    const fault = findLabelFault(label);
    if (fault) return fault;
  }
  if (labels.length < 2) return 'has one label only; a public name has at least two';
  // URL parsers read a numeric last label as IPv4 (WHATWG URL, "ends in a number").
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return 'ends in a number and reads as an IP address';
  return undefined;
}

/** RFC 1035 letters, digits, hyphen; RFC 5890 for hyphens in third and fourth place. */
function findLabelFault(label: string): string | undefined {
  if (label === '') return 'has an empty label';
  if (label.length > maximumLabelOctets) {
    return `has a label of ${label.length} octets; ${maximumLabelOctets} are allowed`;
  }
  const foreign = label.match(/[^a-z0-9-]/)?.[0];
  if (foreign) return `contains "${foreign}"; only letters, digits and hyphens are allowed`;
  if (label.startsWith('-')) return 'label starts with a hyphen';
  if (label.endsWith('-')) return 'label ends with a hyphen';
  if (label.startsWith('xn--')) {
    return roundTrips(label) ? undefined : `has the label "${label}", which is not valid Punycode (RFC 5891)`;
  }
  return label.slice(2, 4) === '--'
    ? `has the label "${label}" with hyphens in third and fourth place, kept for encodings (RFC 5890)`
    : undefined;
}

function roundTrips(label: string): boolean {
  const unicode = domainToUnicode(label);
  return !unicode.startsWith('xn--') && !asciiOnly.test(unicode) && domainToASCII(unicode) === label;
}

/** The ICANN part of the list alone: the owner of a private suffix such as a hosting domain may ask for it. */
function findPublicSuffixFault(ascii: string, wildcard: boolean): string | undefined {
  if (getPublicSuffix(ascii, { extractHostname: false }) !== ascii) return undefined;
  return wildcard
    ? `is a wildcard over the public suffix "${ascii}"`
    : 'is a public suffix, under which others register names';
}
