import { createHash } from 'node:crypto';
import { Failure } from '../../../runtime/errors.ts';
import { type Place, tokenOf } from './place.ts';

/** More pages than this are a loop that hides itself. */
const mostPages = 100_000;

/**
 * Finds out that an API leads in a circle, which would read the same records until the time is up. Knows the pages
 * since the reading began or went on.
 */
export class PageLoop {
  private readonly seen = new Set<string>();
  private lastDigest: string | undefined;
  private pages = 0;

  /** @throws Failure `source-cursor-repeats`, `source-pages-exceeded` (give-up) */
  enter(place: Place): void {
    this.pages += 1;
    if (this.pages > mostPages) {
      throw looping('source-pages-exceeded', `has more than ${mostPages} pages; ask for larger ones`);
    }
    if (place.kind !== 'cursor' && place.kind !== 'link') return;
    const token = createHash('sha256').update(tokenOf(place)).digest('base64');
    if (this.seen.has(token)) {
      throw looping('source-cursor-repeats', 'leads to a page that was read before; its pages form a circle');
    }
    this.seen.add(token);
  }

  /** @throws Failure `source-page-repeats` (give-up): the API pays no heed to the page's number */
  leave(place: Place, facts: { readonly rows: number; readonly digest: string }): void {
    if (place.kind !== 'page' || facts.rows === 0) return;
    if (facts.digest === this.lastDigest) {
      throw looping('source-page-repeats', 'gives the same page twice; correct pagination.parameter');
    }
    this.lastDigest = facts.digest;
  }
}

const looping = (code: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `the source ${what}` });
