import { z } from 'zod';
import { Failure } from '../runtime/errors.ts';
import type { Limit } from './gcra.ts';

export const endpoints = [
  'newNonce',
  'newAccount',
  'newOrder',
  'revokeCert',
  'renewalInfo',
  'acme',
  'directory',
] as const;
/** What a CA's front counts requests by; `acme` is every other resource. */
export type Endpoint = (typeof endpoints)[number];

export interface RequestRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a CA lets one account, domain, set of names and address do. An absent row does not bind. */
export interface CaLimits {
  readonly newAccounts?: Limit | undefined;
  readonly ordersPerAccount?: Limit | undefined;
  readonly certificatesPerDomain?: Limit | undefined;
  readonly certificatesPerSet?: Limit | undefined;
  /** Per account and name. */
  readonly failedAuthorizations?: Limit | undefined;
  readonly requests: Readonly<Partial<Record<Endpoint, RequestRate>>>;
  readonly namesPerCertificate: number;
  /** How long after newOrder a certificate may still be issued; held tokens are held so long. */
  readonly orderLifetimeSeconds: number;
}

const hour = 3600;
const day = 24 * hour;
const unpublished: CaLimits = { requests: {}, namesPerCertificate: 100, orderLifetimeSeconds: 7 * day };

/**
 * Let's Encrypt: letsencrypt.org/docs/rate-limits of 2026-08-05, staging of 2026-04-10. The other CAs publish
 * none; a refusal of theirs is learned when it comes. SSL.com and Actalis issue for one name and its www.
 */
const published = {
  'lets-encrypt': {
    newAccounts: { burst: 10, periodSeconds: 3 * hour },
    ordersPerAccount: { burst: 300, periodSeconds: 3 * hour },
    certificatesPerDomain: { burst: 50, periodSeconds: 7 * day },
    certificatesPerSet: { burst: 5, periodSeconds: 7 * day },
    failedAuthorizations: { burst: 5, periodSeconds: hour },
    requests: {
      newNonce: { perSecond: 20, burst: 10 },
      newAccount: { perSecond: 5, burst: 15 },
      newOrder: { perSecond: 300, burst: 200 },
      revokeCert: { perSecond: 10, burst: 100 },
      renewalInfo: { perSecond: 1000, burst: 100 },
      acme: { perSecond: 250, burst: 125 },
      directory: { perSecond: 40, burst: 40 },
    },
    namesPerCertificate: 100,
    orderLifetimeSeconds: 7 * day,
  },
  'lets-encrypt-staging': {
    newAccounts: { burst: 50, periodSeconds: 3 * hour },
    ordersPerAccount: { burst: 1500, periodSeconds: 3 * hour },
    certificatesPerDomain: { burst: 30_000, periodSeconds: 1 },
    certificatesPerSet: { burst: 30_000, periodSeconds: 7 * day },
    failedAuthorizations: { burst: 200, periodSeconds: hour },
    requests: {
      newNonce: { perSecond: 20, burst: 10 },
      newAccount: { perSecond: 5, burst: 15 },
      newOrder: { perSecond: 20, burst: 40 },
      revokeCert: { perSecond: 10, burst: 100 },
      renewalInfo: { perSecond: 1000, burst: 100 },
      acme: { perSecond: 20, burst: 20 },
      directory: { perSecond: 40, burst: 40 },
    },
    namesPerCertificate: 100,
    orderLifetimeSeconds: 7 * day,
  },
  'google-trust-services': unpublished,
  'google-trust-services-test': unpublished,
  zerossl: unpublished,
  'ssl-com-rsa': { ...unpublished, namesPerCertificate: 2 },
  'ssl-com-ecc': { ...unpublished, namesPerCertificate: 2 },
  actalis: { ...unpublished, namesPerCertificate: 2 },
  'aws-acm': unpublished,
  custom: unpublished,
} as const satisfies Record<string, CaLimits>;

/** The published limits of the CA with this id; of one that is not known, none. */
export const publishedLimits = (ca: string): CaLimits =>
  Object.hasOwn(published, ca) ? published[ca as keyof typeof published] : unpublished;

/** The same limits where time runs `factor` times as fast. Orders live no shorter for that. */
export function scaleLimits(limits: CaLimits, factor: number): CaLimits {
  const scale = (limit: Limit | undefined) =>
    limit && { burst: limit.burst, periodSeconds: limit.periodSeconds / factor };
  const requests = Object.entries(limits.requests).map(([endpoint, { perSecond, burst }]) => [
    endpoint,
    { burst, perSecond: perSecond * factor },
  ]);
  return {
    ...limits,
    newAccounts: scale(limits.newAccounts),
    ordersPerAccount: scale(limits.ordersPerAccount),
    certificatesPerDomain: scale(limits.certificatesPerDomain),
    certificatesPerSet: scale(limits.certificatesPerSet),
    failedAuthorizations: scale(limits.failedAuthorizations),
    requests: Object.fromEntries(requests),
  };
}

const limitRow = z.strictObject({ burst: z.int().min(1), periodSeconds: z.number().positive() }).optional();
const requestRow = z.strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) });
const limitRows = z.strictObject({
  newAccounts: limitRow,
  ordersPerAccount: limitRow,
  certificatesPerDomain: limitRow,
  certificatesPerSet: limitRow,
  failedAuthorizations: limitRow,
  requests: z.partialRecord(z.enum(endpoints), requestRow).default({}),
  namesPerCertificate: z.int().min(1).default(unpublished.namesPerCertificate),
  orderLifetimeSeconds: z.int().min(60).default(unpublished.orderLifetimeSeconds),
});

/**
 * Reads configured limits: the id of a CA whose published limits are meant, or the rows as JSON.
 * @throws Failure `invalid-configuration`, all problems in one message
 */
export function parseLimits(text: string): CaLimits {
  if (Object.hasOwn(published, text)) return publishedLimits(text);
  const result = limitRows.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw invalidLimits(
    result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidLimits(`neither JSON nor one of ${Object.keys(published).join(', ')}`, cause);
  }
}

const invalidLimits = (problems: string, cause?: unknown) =>
  new Failure({
    code: 'invalid-configuration',
    disposition: 'give-up',
    message: `invalid limits: ${problems}`,
    cause,
  });
