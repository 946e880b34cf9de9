import { isIP } from 'node:net';
import { parse } from 'tldts';
import { canonicalAddress } from './ip-address.ts';
import { isObject } from './jws.ts';
import { AcmeProblem, combineProblems, type Identifier, malformed } from './problem.ts';

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

export type IdentifierType = 'dns' | 'ip';

/**
 * The names of a newOrder's `identifiers`: lower case, unique, sorted; wildcards as `*.example.com`, IP addresses
 * (RFC 8738) where `accepted` has them.
 * @throws AcmeProblem with one subproblem per refused identifier (RFC 8555, 6.7.1)
 */
export function readIdentifiers(
  value: unknown,
  accepted: readonly IdentifierType[] = ['dns'],
): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed('an order names at least one identifier');
  const identifiers = value.map(readIdentifier);
  const refused = combineProblems(identifiers.flatMap((identifier) => findFault(identifier, accepted) ?? []));
  if (refused !== undefined) throw refused;
  const names = [...new Set(identifiers.map((identifier) => identifier.value.toLowerCase()))].sort();
  const redundant = findRedundantName(names);
  if (redundant !== undefined)
    throw malformed(`"${redundant}" is redundant with a wildcard of the same order`);
  return names;
}

function readIdentifier(value: unknown): Identifier {
  if (!isObject(value) || typeof value.type !== 'string' || typeof value.value !== 'string') {
    throw malformed('an identifier is an object with the strings "type" and "value"');
  }
  return { type: value.type, value: value.value };
}

/** A name of an order as the protocol shows it; no host name is an address, since none ends in digits. */
export const identifierOf = (name: string): { type: IdentifierType; value: string } => ({
  type: isIP(name) === 0 ? 'dns' : 'ip',
  value: name,
});

function findFault(identifier: Identifier, accepted: readonly IdentifierType[]): AcmeProblem | undefined {
  if (!(accepted as readonly string[]).includes(identifier.type)) {
    return new AcmeProblem(
      'unsupportedIdentifier',
      `identifiers of type "${identifier.type}" are not issued`,
      {
        identifier,
      },
    );
  }
  const fault =
    identifier.type === 'ip'
      ? findAddressFault(identifier.value)
      : findNameFault(identifier.value.toLowerCase());
  if (fault === undefined) return undefined;
  return new AcmeProblem('rejectedIdentifier', `"${identifier.value}" ${fault}`, { identifier });
}

/** RFC 8738, 3: an IPv6 address is written as RFC 5952 has it. */
function findAddressFault(address: string): string | undefined {
  return canonicalAddress(address) === address ? undefined : 'is not an IP address in its canonical form';
}

function findNameFault(name: string): string | undefined {
  const base = name.startsWith('*.') ? name.slice(2) : name;
  const labels = base.split('.');
  if (name.length > 253) return 'is longer than 253 characters';
  if (!labels.every((text) => label.test(text))) return 'is not a host name of letters, digits and hyphens';
  if (labels.length < 2) return 'has fewer than two labels';
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'is an IP address, not a name';
  const { isIcann, publicSuffix } = parse(base, { allowPrivateDomains: false });
  return isIcann && publicSuffix === base ? 'is a public suffix' : undefined;
}

/** `a.example.com` beside `*.example.com` would be certified twice; Boulder refuses the pair. */
function findRedundantName(names: readonly string[]): string | undefined {
  const wildcards = new Set(names.filter((name) => name.startsWith('*.')));
  return names.find((name) => !wildcards.has(name) && wildcards.has(`*${name.slice(name.indexOf('.'))}`));
}
