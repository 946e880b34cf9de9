import { parse } from 'tldts';
import { isObject } from './jws.ts';
import { AcmeProblem, combineProblems, type Identifier, malformed } from './problem.ts';

const mostNames = 100;
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * The names of a newOrder's `identifiers`: lower case, unique, sorted; wildcards as `*.example.com`.
 * @throws AcmeProblem with one subproblem per refused identifier (RFC 8555, 6.7.1)
 */
export function readIdentifiers(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed('an order names at least one identifier');
  const identifiers = value.map(readIdentifier);
  const refused = combineProblems(identifiers.flatMap((identifier) => findFault(identifier) ?? []));
  if (refused !== undefined) throw refused;
  const names = [...new Set(identifiers.map((identifier) => identifier.value.toLowerCase()))].sort();
  if (names.length > mostNames) throw malformed(`an order names at most ${mostNames} identifiers`);
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

function findFault(identifier: Identifier): AcmeProblem | undefined {
  if (identifier.type !== 'dns') {
    return new AcmeProblem(
      'unsupportedIdentifier',
      `identifiers of type "${identifier.type}" are not issued`,
      {
        identifier,
      },
    );
  }
  const fault = findNameFault(identifier.value.toLowerCase());
  if (fault === undefined) return undefined;
  return new AcmeProblem('rejectedIdentifier', `"${identifier.value}" ${fault}`, { identifier });
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
