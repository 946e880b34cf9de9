import { isIP } from 'node:net';
import { Failure } from '../runtime/errors.ts';
import type { RequestKeyType } from './certificate-request.ts';

/** What is known of a CA before it is asked; the live directory has the last word. */
export interface CertificateAuthority {
  readonly id: string;
  readonly name: string;
  readonly directoryUrl: string;
  /** Hosts, beside the directory's own, on which this CA's URLs may be. */
  readonly hosts: readonly string[];
  readonly externalAccount: 'required' | 'optional' | 'none';
  /** Whether renewal information is to be expected (RFC 9773). */
  readonly renewalInfo: boolean;
  /** By name; empty where the CA has none. */
  readonly profiles: Readonly<Record<string, { readonly maxNames: number; readonly ipIdentifiers: boolean }>>;
  readonly wildcards: boolean;
  readonly maxNames: number;
  /** A second name has to be the first one's www. */
  readonly secondIsWww?: boolean;
  /** Whether addresses are certified where no profile is asked for. */
  readonly ipIdentifiers: boolean;
  readonly keyTypes: readonly RequestKeyType[];
  /** Takes notAfter in newOrder (RFC 8555, 7.4). */
  readonly choosesLifetime: boolean;
  /** Id of the CA where a failed validation is rehearsed first. */
  readonly staging?: string;
  /** Names of the roots its chains end in. */
  readonly roots: readonly string[];
  /** Orders come authorized, without challenges. */
  readonly preauthorized: boolean;
  /** Seconds an issuance may take. */
  readonly issuanceSeconds: number;
}

const everyKeyType = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;

/** A CA as most are; rows say what is different. */
const ordinary = {
  hosts: [],
  externalAccount: 'required',
  renewalInfo: false,
  profiles: {},
  wildcards: true,
  maxNames: 100,
  ipIdentifiers: false,
  keyTypes: everyKeyType,
  choosesLifetime: false,
  roots: [],
  preauthorized: false,
  issuanceSeconds: 120,
} as const satisfies Partial<CertificateAuthority>;

// letsencrypt.org/docs/profiles and /docs/integration-guide; without a profile its default one, classic, binds.
const letsEncrypt = {
  ...ordinary,
  externalAccount: 'none',
  renewalInfo: true,
  profiles: {
    classic: { maxNames: 100, ipIdentifiers: false },
    tlsserver: { maxNames: 25, ipIdentifiers: false },
    shortlived: { maxNames: 25, ipIdentifiers: true },
  },
} as const;

// pki.goog and cloud.google.com/certificate-manager/docs/public-ca.
const googleTrustServices = { ...ordinary, renewalInfo: true, choosesLifetime: true } as const;

// ssl.com/guide/ssl-tls-certificate-issuance-and-revocation-with-acme: one name, and its www beside it.
const sslCom = { ...ordinary, wildcards: false, maxNames: 2, secondIsWww: true } as const;

const acmDirectory = /^https:\/\/acm-acme-enroll\.[a-z0-9-]+\.api\.aws\/[^/]+\/directory$/;

/** The CAs this program knows; adding one is adding a row. */
export const authorities: readonly CertificateAuthority[] = [
  {
    ...letsEncrypt,
    id: 'lets-encrypt',
    name: "Let's Encrypt",
    directoryUrl: 'https://acme-v02.api.letsencrypt.org/directory',
    staging: 'lets-encrypt-staging',
    roots: ['ISRG Root X1', 'ISRG Root X2', 'ISRG Root YE', 'ISRG Root YR'],
  },
  {
    ...letsEncrypt,
    id: 'lets-encrypt-staging',
    name: "Let's Encrypt (staging)",
    directoryUrl: 'https://acme-staging-v02.api.letsencrypt.org/directory',
    roots: ['(STAGING) Pretend Pear X1', '(STAGING) Bogus Broccoli X2'],
  },
  {
    ...googleTrustServices,
    id: 'google-trust-services',
    name: 'Google Trust Services',
    directoryUrl: 'https://dv.acme-v02.api.pki.goog/directory',
    staging: 'google-trust-services-test',
    roots: ['GTS Root R1', 'GTS Root R4', 'GlobalSign Root CA'],
  },
  {
    ...googleTrustServices,
    id: 'google-trust-services-test',
    name: 'Google Trust Services (test)',
    directoryUrl: 'https://dv.acme-v02.test-api.pki.goog/directory',
  },
  {
    ...ordinary,
    id: 'zerossl',
    name: 'ZeroSSL',
    directoryUrl: 'https://acme.zerossl.com/v2/DV90',
    roots: ['USERTrust RSA Certification Authority', 'USERTrust ECC Certification Authority'],
    issuanceSeconds: 300,
  },
  {
    ...sslCom,
    id: 'ssl-com-rsa',
    name: 'SSL.com (RSA)',
    directoryUrl: 'https://acme.ssl.com/sslcom-dv-rsa',
    keyTypes: ['rsa-2048', 'rsa-3072', 'rsa-4096'],
    roots: ['SSL.com TLS RSA Root CA 2022', 'SSL.com Root Certification Authority RSA'],
  },
  {
    ...sslCom,
    id: 'ssl-com-ecc',
    name: 'SSL.com (ECC)',
    directoryUrl: 'https://acme.ssl.com/sslcom-dv-ecc',
    keyTypes: ['ecdsa-p256', 'ecdsa-p384'],
    roots: ['SSL.com TLS ECC Root CA 2022', 'SSL.com Root Certification Authority ECC'],
  },
  {
    ...ordinary,
    id: 'actalis',
    name: 'Actalis',
    directoryUrl: 'https://acme-api.actalis.com/acme/directory',
    renewalInfo: true,
    wildcards: false,
    maxNames: 2,
    secondIsWww: true,
    roots: ['Actalis Authentication Root CA'],
  },
  {
    // docs.aws.amazon.com/acm, "ACME": an endpoint per customer and region, its names approved beforehand.
    ...ordinary,
    id: 'aws-acm',
    name: 'AWS Certificate Manager',
    directoryUrl: 'https://acm-acme-enroll.{region}.api.aws/{endpoint}/directory',
    keyTypes: ['rsa-2048', 'ecdsa-p256', 'ecdsa-p384'],
    roots: ['Amazon Root CA 1', 'Amazon Root CA 2', 'Amazon Root CA 3', 'Amazon Root CA 4'],
    preauthorized: true,
    issuanceSeconds: 600,
  },
];

/** Any other directory: its own words are all there is to go by, so nothing is ruled out. */
const custom = (directoryUrl: string): CertificateAuthority => ({
  ...ordinary,
  id: 'custom',
  name: new URL(directoryUrl).host,
  directoryUrl,
  externalAccount: 'optional',
  renewalInfo: true,
  maxNames: Number.POSITIVE_INFINITY,
  ipIdentifiers: true,
  choosesLifetime: true,
  issuanceSeconds: 600,
});

/**
 * The CA with this id or directory URL; a `custom` one for an https URL the catalogue does not have.
 * @throws Failure `unknown-authority`; `authority-closed` for Buypass
 */
export function findAuthority(idOrDirectoryUrl: string): CertificateAuthority {
  const known = authorities.find(
    ({ id, directoryUrl }) =>
      idOrDirectoryUrl === directoryUrl || (idOrDirectoryUrl === id && id !== 'aws-acm'),
  );
  if (known) return known;
  if (/^buypass$|^https:\/\/api\.(test4\.)?buypass\.(com|no)\//i.test(idOrDirectoryUrl))
    throw buypassClosed();
  if (!URL.canParse(idOrDirectoryUrl) || new URL(idOrDirectoryUrl).protocol !== 'https:')
    throw unknownAuthority(idOrDirectoryUrl);
  const acm = authorities.find(({ id }) => id === 'aws-acm');
  if (acm && acmDirectory.test(idOrDirectoryUrl)) return { ...acm, directoryUrl: idOrDirectoryUrl };
  return custom(idOrDirectoryUrl);
}

/** Why this CA cannot issue such a certificate; undefined where nothing known speaks against it. */
export function findUnsupported(
  authority: CertificateAuthority,
  wanted: {
    readonly domains: readonly string[];
    readonly keyType: RequestKeyType;
    readonly profile?: string | undefined;
  },
): string | undefined {
  const { domains, keyType, profile } = wanted;
  const known = profile !== undefined && authority.id !== 'custom';
  const offered =
    known && Object.hasOwn(authority.profiles, profile) ? authority.profiles[profile] : undefined;
  if (known && !offered) return `it has no profile "${profile}"`;
  const { maxNames, ipIdentifiers } = offered ?? authority;
  const where = offered ? ` under the profile "${profile}"` : '';
  if (domains.length > maxNames) return `it takes at most ${maxNames} names${where}, not ${domains.length}`;
  if (authority.secondIsWww && !isPairWithWww(domains))
    return 'its second name has to be www. before the first';
  if (!authority.wildcards && domains.some((domain) => domain.startsWith('*.')))
    return 'it issues no wildcards free of charge';
  if (!ipIdentifiers && domains.some((domain) => isIP(domain))) return noAddresses(authority, where);
  return authority.keyTypes.includes(keyType) ? undefined : `it takes no ${keyType} keys`;
}

function noAddresses({ profiles }: CertificateAuthority, where: string): string {
  const able = Object.keys(profiles).filter((name) => profiles[name]?.ipIdentifiers);
  const remedy = able.length > 0 ? `; ask for its profile "${able.join('" or "')}"` : '';
  return `it certifies no IP addresses${where}${remedy}`;
}

function isPairWithWww([first = '', second, ...others]: readonly string[]): boolean {
  const paired = second === undefined || second === `www.${first}` || first === `www.${second}`;
  return paired && others.length === 0;
}

const knownIds = authorities.map(({ id }) => id).join(', ');

const unknownAuthority = (asked: string) =>
  new Failure({
    code: 'unknown-authority',
    disposition: 'give-up',
    message:
      asked === 'aws-acm'
        ? "aws-acm is named by the directory URL of the customer's own endpoint, https://acm-acme-enroll.<region>.api.aws/<id>/directory"
        : `no CA is known as "${asked.slice(0, 200)}"; name one of ${knownIds}, or an https directory URL`,
  });

const buypassClosed = () =>
  new Failure({
    code: 'authority-closed',
    disposition: 'give-up',
    message: `Buypass has issued no TLS certificates since October 2025; name one of ${knownIds}`,
  });
