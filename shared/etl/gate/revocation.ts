import type { X509Certificate } from 'node:crypto';
import { asFailure } from '../../runtime/errors.ts';
import { type CertificateFields, readCertificateFields } from './certificate-fields.ts';
import { type RevocationList, readRevocationList } from './revocation-list.ts';
import { findTrustPath, trustedBy } from './trust-path.ts';

export type RevocationAnswer =
  | { readonly state: 'good' | 'not-checkable' }
  /** `why` says of which certificate, and what is the matter. */
  | { readonly state: 'revoked' | 'unknown'; readonly why: string };

/**
 * Whether a certificate or one of its intermediates has been revoked, by the lists they name. `not-checkable`: the
 * leaf names no list (CAs that answer by OCSP alone are not asked). `unknown`: a list is named, and none that holds
 * was to be had. Only for chains that are trusted already, since it fetches what they name.
 * @throws the signal's reason when it aborts
 */
export type Revocation = (request: {
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
  /** PEM; Node's own when absent. */
  readonly roots?: string | undefined;
  readonly now: Date;
  readonly signal: AbortSignal;
}) => Promise<RevocationAnswer>;

/** @throws Failure `revocation-list-unavailable`, naming the host */
export type FetchList = (url: string, signal: AbortSignal) => Promise<Buffer>;

const hourMillis = 3_600_000;
const mostCachedBytes = 64 * 1024 * 1024;
/** Lists that were made just now by a clock that is a little ahead. */
const skewMillis = 300_000;

interface Question {
  readonly certificate: X509Certificate;
  readonly fields: CertificateFields;
  readonly issuer: X509Certificate;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Keeps each list until its next update, an hour at most. */
export function createRevocation({ fetchList }: { fetchList: FetchList }): Revocation {
  const cache = new Map<string, { list: RevocationList; until: Date }>();

  async function obtain(url: string, { issuer, now, signal }: Question): Promise<RevocationList> {
    const key = `${issuer.fingerprint256} ${url}`;
    const cached = cache.get(key);
    if (cached && now < cached.until) return cached.list;
    const list = readRevocationList(await fetchList(url, signal));
    checkOrigin(list, issuer);
    const until = Math.min(now.getTime() + hourMillis, list.nextUpdateAt?.getTime() ?? 0);
    cache.delete(key);
    cache.set(key, { list, until: new Date(until) });
    forgetOldest(cache);
    return list;
  }

  async function look(question: Question): Promise<RevocationAnswer> {
    const { certificate, fields, now, signal } = question;
    const failures: string[] = [];
    for (const url of fields.listUrls.slice(0, 4)) {
      try {
        const list = await obtain(url, question);
        checkDates(list, now);
        checkScope(list, { url, certificate, fields });
        return list.names(fields.serial)
          ? { state: 'revoked', why: `${nameOf(certificate)} is on its CA's revocation list` }
          : { state: 'good' };
      } catch (error) {
        signal.throwIfAborted();
        failures.push(asFailure(error).message);
      }
    }
    const why = failures.join('; ') || 'names no list over http that is complete and signed by its issuer';
    return { state: 'unknown', why: `${nameOf(certificate)}: ${why}` };
  }

  return async ({ chain, roots, now, signal }) => {
    const { links, anchor } = findTrustPath(chain, trustedBy(roots));
    const judgeLink = async (certificate: X509Certificate, index: number): Promise<RevocationAnswer> => {
      const fields = readCertificateFields(certificate.raw);
      // A certificate that is trusted itself is revoked by trusting it no longer.
      const isAnchor = certificate.fingerprint256 === anchor?.fingerprint256;
      if (!fields.namesLists || isAnchor) return { state: 'not-checkable' };
      const issuer = links[index + 1] ?? anchor;
      if (issuer) return look({ certificate, fields, issuer, now, signal });
      // A client's own chain may end below a root that only its peers know.
      if (index > 0) return { state: 'not-checkable' };
      return { state: 'unknown', why: `${nameOf(certificate)}: its issuer is not in the chain` };
    };
    const answers = await Promise.all(links.map(judgeLink));
    const find = (state: RevocationAnswer['state']) => answers.find((answer) => answer.state === state);
    return find('revoked') ?? find('unknown') ?? answers[0] ?? { state: 'not-checkable' };
  };
}

function checkOrigin(list: RevocationList, issuer: X509Certificate): void {
  if (readCertificateFields(issuer.raw).mayVerifyLists === false)
    throw new Error('its issuer may not sign revocation lists');
  if (!list.isSignedBy(issuer.publicKey)) throw new Error('its revocation list is not signed by its issuer');
}

function checkDates({ thisUpdateAt, nextUpdateAt }: RevocationList, now: Date): void {
  if (!nextUpdateAt || nextUpdateAt <= now) throw new Error('its revocation list is out of date');
  if (thisUpdateAt.getTime() > now.getTime() + skewMillis)
    throw new Error('its revocation list is from the future');
}

/** RFC 5280, 6.3.3 (b): over plain http somebody could put another list of the same CA in its place. */
function checkScope(
  { issuer, scope }: RevocationList,
  of: { url: string; certificate: X509Certificate; fields: CertificateFields },
): void {
  const other = of.certificate.ca ? 'leaves' : 'authorities';
  if (!issuer.equals(of.fields.issuer) || scope.partial || scope.only === other)
    throw new Error('its revocation list is about other certificates');
  if (scope.urls.length > 0 && !scope.urls.some((url) => of.fields.listUrls.includes(url)))
    throw new Error('its revocation list is another one of the same CA');
}

function forgetOldest(cache: Map<string, { list: RevocationList }>): void {
  let bytes = 0;
  for (const [key, { list }] of [...cache].reverse()) {
    bytes += list.sizeBytes;
    if (bytes > mostCachedBytes) cache.delete(key);
  }
}

/** By its common name, or its serial number where it has none. */
const nameOf = ({ subject, serialNumber }: X509Certificate): string =>
  /^CN=(.+)$/m.exec(subject ?? '')?.[1] ?? `certificate ${serialNumber.toLowerCase()}`;
