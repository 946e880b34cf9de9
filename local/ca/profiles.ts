import type { IdentifierType } from './identifiers.ts';
import { AcmeProblem } from './problem.ts';

/** What an order and its certificate are like (draft-ietf-acme-profiles; letsencrypt.org/docs/profiles, 2026-07). */
export interface Profile {
  readonly validitySeconds: number;
  readonly mostNames: number;
  readonly identifierTypes: readonly IdentifierType[];
  readonly commonName: 'first-that-fits' | 'none';
  readonly orderSeconds: number;
  readonly pendingAuthorizationSeconds: number;
  readonly validAuthorizationSeconds: number;
}

const hour = 3600;
const day = 24 * hour;

const shortLives = {
  mostNames: 25,
  commonName: 'none',
  orderSeconds: 8 * hour,
  pendingAuthorizationSeconds: hour,
  validAuthorizationSeconds: 7 * hour,
} as const;

const classic: Profile = {
  validitySeconds: 90 * day,
  mostNames: 100,
  identifierTypes: ['dns'],
  commonName: 'first-that-fits',
  orderSeconds: 7 * day,
  pendingAuthorizationSeconds: 7 * day,
  validAuthorizationSeconds: 30 * day,
};

const named: Readonly<Record<string, Profile>> = {
  classic,
  tlsserver: { ...shortLives, validitySeconds: 45 * day, identifierTypes: ['dns'] },
  shortlived: { ...shortLives, validitySeconds: 160 * hour, identifierTypes: ['dns', 'ip'] },
};

export interface Profiles {
  /** For an order that names none. */
  readonly default: Profile;
  /** Those that an order may name; none where the CA has no profiles. */
  readonly named: Readonly<Record<string, Profile>>;
}

/** `validitySeconds` is that of the default and of `classic`, which it is. */
export function openProfiles(options: { validitySeconds: number | undefined; offered: boolean }): Profiles {
  const { validitySeconds = classic.validitySeconds, offered } = options;
  const standard = { ...classic, validitySeconds };
  return { default: standard, named: offered ? { ...named, classic: standard } : {} };
}

/** The profile of an order; a CA without profiles does not know the member and passes over it. */
export const profileOf = (profiles: Profiles, name: string | undefined): Profile =>
  (name !== undefined && profiles.named[name]) || profiles.default;

/** The profile's name when one is asked for and offered. @throws AcmeProblem `invalidProfile` */
export function readProfileName(profiles: Profiles, value: unknown): string | undefined {
  if (value === undefined || value === '' || Object.keys(profiles.named).length === 0) return undefined;
  if (typeof value === 'string' && Object.hasOwn(profiles.named, value)) return value;
  throw new AcmeProblem('invalidProfile', `profile name ${JSON.stringify(value)} not recognized`);
}
