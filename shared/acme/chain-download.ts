import { X509Certificate } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import type { AcmeSession } from './connection.ts';
import type { AcmeResponse } from './transport.ts';

/** More alternates than any CA offers. */
const mostAlternates = 8;

export interface DownloadedChain {
  /** Leaf first. */
  readonly pem: string;
  /** Whether it is the chain preferred; true where nothing was. */
  readonly matched: boolean;
}

/**
 * The chain at a certificate URL (RFC 8555, 7.4.2). With `preferredChain`, the common name of a root or of the
 * leaf's issuer, it is the first that ends in or starts from it; alternates are fetched one by one, and only when
 * the default is not it. When none is, the default is answered as not matched: a chain beats none.
 */
export async function downloadChain(
  session: AcmeSession,
  certificateUrl: string,
  { preferredChain }: { readonly preferredChain?: string | undefined } = {},
): Promise<DownloadedChain> {
  const response = await session.api.apiRequest(certificateUrl, null, [200]);
  const pem = readChain(response);
  if (preferredChain === undefined || isChainOf(preferredChain, pem)) return { pem, matched: true };
  for (const url of readAlternates(response, certificateUrl).slice(0, mostAlternates)) {
    const alternate = readChain(await session.api.apiRequest(url, null, [200]));
    if (isChainOf(preferredChain, alternate)) return { pem: alternate, matched: true };
  }
  return { pem, matched: false };
}

function readChain({ data }: AcmeResponse): string {
  if (typeof data === 'string' && data.includes('-----BEGIN CERTIFICATE-----')) return data;
  throw new Failure({
    code: 'ca-protocol',
    disposition: 'retry',
    message: 'the certificate URL was not answered with a PEM chain',
  });
}

/** Whether the leaf's issuer or the issuer of the last certificate has this common name. */
function isChainOf(commonName: string, pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return [blocks.at(0), blocks.at(-1)].some((block) => block && issuerName(block) === commonName);
}

function issuerName(block: string): string | undefined {
  try {
    const { issuer } = new X509Certificate(block);
    return /^CN=(.*)$/m.exec(issuer)?.[1];
  } catch {
    return undefined;
  }
}

/** URLs of `Link` headers with rel="alternate" (RFC 8288); relative ones are the certificate's neighbours. */
function readAlternates({ headers }: AcmeResponse, certificateUrl: string): string[] {
  const links = (headers.link ?? '').matchAll(/<([^>]*)>([^<]*)/g);
  return [...links].flatMap(([, target = '', parameters = '']) =>
    /;\s*rel\s*=\s*"?(?:[^"]*\s)?alternate\b/i.test(parameters) && URL.canParse(target, certificateUrl)
      ? [new URL(target, certificateUrl).href]
      : [],
  );
}
