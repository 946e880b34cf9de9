import { Failure } from '../../../runtime/errors.ts';
import type { PipelineSource } from '../../definition/source-schema.ts';
import { findNextLink } from './link-header.ts';
import type { Place } from './place.ts';

export type HttpsDefinition = Extract<PipelineSource, { type: 'https' }>;

/** What a page told once it was read to its end. */
export interface PageFacts {
  /** Rows it held, readable or not, within the window or not. */
  readonly rows: number;
  /** Of its last row, counted from 1 within the page; 0 without rows. */
  readonly lastOrdinal: number;
  /** SHA-256 of its text. */
  readonly digest: string;
  /** What stood at the cursor's pointer. */
  readonly cursor?: string | undefined;
  /** After decompression. */
  readonly textBytes: number;
  /** The Link header, as received. */
  readonly link?: string | undefined;
  /** The URL it was asked for by. */
  readonly url: URL;
}

const longestTarget = 4_096;

/** @throws Failure `pagination-unsupported` (give-up): a cursor is picked out of JSON, and nothing else has one */
export function checkPagination({ pagination, format }: HttpsDefinition): void {
  if (pagination?.type !== 'cursor' || format.type === 'json') return;
  throw new Failure({
    code: 'pagination-unsupported',
    disposition: 'give-up',
    message: `${format.type} has no place for a cursor; use link or page pagination, or JSON`,
  });
}

export function firstPlace({ pagination }: HttpsDefinition): Place {
  if (!pagination) return { kind: 'only' };
  if (pagination.type !== 'page') return { kind: pagination.type };
  return { kind: 'page', page: pagination.first, isSizeKept: false, isAfterShort: false };
}

/** The URL of the page at `place`; `base` is the definition's with the window's parameters. */
export function urlOfPlace(base: URL, place: Place, { pagination }: HttpsDefinition): URL {
  const url = new URL(base);
  // Joined, not resolved: a path that begins with two slashes would name another host.
  if (place.kind === 'link' && place.target !== undefined) return new URL(base.origin + place.target);
  if (pagination?.type === 'cursor' && place.kind === 'cursor' && place.cursor !== undefined) {
    url.searchParams.set(pagination.parameter, place.cursor);
  }
  if (pagination?.type === 'page' && place.kind === 'page') {
    url.searchParams.set(pagination.parameter, String(place.page));
    const { sizeParameter, size } = pagination;
    if (sizeParameter !== undefined && size !== undefined) url.searchParams.set(sizeParameter, String(size));
  }
  return url;
}

/**
 * Where to read on after a page; undefined after the last. By number, an empty page is the end. So is one shorter
 * than `size`, but only once a page had exactly that size: an API that hands out fewer rows than it is asked for
 * would else lose all but its first page.
 * @throws Failure `source-link-malformed`, `source-link-elsewhere` (give-up)
 */
export function nextPlace(
  place: Place,
  facts: PageFacts,
  { pagination }: HttpsDefinition,
): Place | undefined {
  switch (place.kind) {
    case 'only':
      return undefined;
    case 'cursor':
      return facts.cursor === undefined ? undefined : { kind: 'cursor', cursor: facts.cursor };
    case 'link': {
      const link = findNextLink(facts.link);
      return link === undefined ? undefined : { kind: 'link', target: targetOn(facts.url, link) };
    }
    case 'page': {
      const size = pagination?.type === 'page' && pagination.sizeParameter ? pagination.size : undefined;
      const isShort = size !== undefined && facts.rows < size;
      if (facts.rows === 0 || (isShort && place.isSizeKept)) return undefined;
      const isSizeKept = place.isSizeKept || facts.rows === size;
      return { kind: 'page', page: place.page + 1, isSizeKept, isAfterShort: isShort };
    }
  }
}

/** Path and query of a link, resolved against the page it stood on (RFC 3986 section 5). */
function targetOn(page: URL, link: string): string {
  const url = URL.canParse(link, page.href) ? new URL(link, page) : undefined;
  if (!url || url.username || url.password || url.origin !== page.origin) {
    throw new Failure({
      code: 'source-link-elsewhere',
      disposition: 'give-up',
      message: `the next page of the source at ${page.origin} lies on another host, port or scheme; only its own is checked`,
    });
  }
  const target = url.pathname + url.search;
  if (target.length <= longestTarget) return target;
  throw new Failure({
    code: 'source-link-malformed',
    disposition: 'give-up',
    message: `the link to the next page of the source is longer than ${longestTarget} characters`,
  });
}
