import { type ChallengeType, challengeTypes } from '../certificates/certificate.ts';
import { parseEndpoint } from './endpoint.ts';
import { isAddress, parseIdentifier } from './identifier.ts';
import type { InventoryProblem } from './problems.ts';

const maximumNames = 100;

/** A name of an entry that is well formed by itself, with the place it was read from. */
export interface PlacedName {
  readonly path: string;
  readonly domain: string;
}

/** What could be read of an entry even where other fields are malformed. */
export interface EntryOutline {
  /** The entry's place in the file, such as `[3]`. */
  readonly place: string;
  readonly names: readonly PlacedName[];
  /** How many names were written, well formed or not. */
  readonly writtenNames: number;
  readonly challenge: ChallengeType | 'absent' | 'malformed';
  readonly hasDnsPlugin: boolean;
  /** The hosts to verify at that are well formed by themselves. */
  readonly endpointHosts: readonly PlacedName[];
}

/** Reads leniently, so that one malformed field does not hide what is wrong between the others. */
export function outlineEntry(raw: Readonly<Record<string, unknown>>, place: string): EntryOutline {
  const sans = Array.isArray(raw.sans) ? raw.sans : [];
  const written = [
    { path: `${place}.domain`, text: raw.domain },
    ...sans.map((text: unknown, index) => ({ path: `${place}.sans[${index}]`, text })),
  ];
  const names = written.flatMap(({ path, text }) => {
    const verdict = typeof text === 'string' ? parseIdentifier(text) : undefined;
    return verdict?.ok ? [{ path, domain: verdict.domain }] : [];
  });
  const endpoints = Array.isArray(raw.endpoints) ? raw.endpoints : [];
  const endpointHosts = endpoints.flatMap((text: unknown, index) => {
    const verdict = typeof text === 'string' ? parseEndpoint(text) : undefined;
    const path = `${place}.endpoints[${index}]`;
    return verdict?.ok ? [{ path, domain: verdict.host }] : [];
  });
  const challenge = challengeTypes.find((type) => type === raw.challenge);
  return {
    place,
    names,
    writtenNames: written.length,
    challenge: challenge ?? (raw.challenge === undefined ? 'absent' : 'malformed'),
    hasDnsPlugin: raw.dns_plugin !== undefined,
    endpointHosts,
  };
}

/** What is wrong between the fields of one entry. */
export const findEntryProblems = (outline: EntryOutline): readonly InventoryProblem[] => [
  ...findTooManyNames(outline),
  ...findRepeatedNames(outline),
  ...findRedundantNames(outline),
  ...findChallengeProblems(outline),
  ...findForeignEndpoints(outline),
];

const findTooManyNames = ({ place, writtenNames }: EntryOutline): readonly InventoryProblem[] =>
  writtenNames <= maximumNames
    ? []
    : [
        {
          path: `${place}.sans`,
          message: `${writtenNames} names; a certificate holds at most ${maximumNames}`,
        },
      ];

function findRepeatedNames({ names }: EntryOutline): readonly InventoryProblem[] {
  const firstPaths = new Map<string, string>();
  return names.flatMap(({ path, domain }) => {
    const first = firstPaths.get(domain);
    if (first === undefined) {
      firstPaths.set(domain, path);
      return [];
    }
    return [{ path, message: `"${domain}" is listed twice in this certificate, first at ${first}` }];
  });
}

/** Boulder answers such an order with `malformed`: "redundant with a wildcard". */
function findRedundantNames({ names }: EntryOutline): readonly InventoryProblem[] {
  const domains = new Set(names.map(({ domain }) => domain));
  return names.flatMap(({ path, domain }) => {
    const wildcard = wildcardOver(domain);
    return domain !== wildcard && domains.has(wildcard)
      ? [
          {
            path,
            message: `"${domain}" is redundant with "${wildcard}" in this certificate; CAs refuse both`,
          },
        ]
      : [];
  });
}

/** A host is also the name its certificate must be valid for; elsewhere verification could only ever fail. */
function findForeignEndpoints({ names, writtenNames, endpointHosts }: EntryOutline): InventoryProblem[] {
  if (names.length < writtenNames) return [];
  const domains = new Set(names.map(({ domain }) => domain));
  return endpointHosts
    .filter(({ domain }) => !domains.has(domain) && !domains.has(wildcardOver(domain)))
    .map(({ path, domain }) => ({ path, message: `"${domain}" is not a name of this certificate` }));
}

const wildcardOver = (domain: string): string => `*.${domain.slice(domain.indexOf('.') + 1)}`;

function findChallengeProblems({ place, names, challenge, hasDnsPlugin }: EntryOutline): InventoryProblem[] {
  const wildcard = names.find(({ domain }) => domain.startsWith('*.'))?.domain;
  const address = names.find(({ domain }) => isAddress(domain));
  if (wildcard && address) {
    const message = `the IP address "${address.domain}" cannot stand beside the wildcard "${wildcard}": no challenge proves both`;
    return [{ path: address.path, message }];
  }
  if (challenge === 'malformed') return [];
  if ((challenge === 'dns-01' || challenge === 'tls-alpn-01') && address) {
    const message = `${challenge} does not prove the IP address "${address.domain}" here; use http-01 (RFC 8738)`;
    return [{ path: `${place}.challenge`, message }];
  }
  if (challenge === 'dns-01') {
    const message = 'is missing; dns-01 needs the provider that holds the zone, for example "route53"';
    return hasDnsPlugin ? [] : [{ path: `${place}.dns_plugin`, message }];
  }
  if (wildcard && challenge === 'absent') {
    const message = `is missing; the wildcard "${wildcard}" needs "dns-01" and a dns_plugin (RFC 8555, 8.4)`;
    return [{ path: `${place}.challenge`, message }];
  }
  const problems: InventoryProblem[] = [];
  if (wildcard) {
    const message = `${challenge} cannot prove the wildcard "${wildcard}"; use dns-01 (RFC 8555, 8.4)`;
    problems.push({ path: `${place}.challenge`, message });
  }
  if (hasDnsPlugin) {
    const effective = challenge === 'absent' ? 'http-01, the default' : challenge;
    const message = `belongs to dns-01, but the challenge is ${effective}`;
    problems.push({ path: `${place}.dns_plugin`, message });
  }
  return problems;
}
