import { z } from 'zod';
import { Failure } from '../../../runtime/errors.ts';

/** Where among the pages a reading stands: the next one to be asked for. */
export type Place =
  | { readonly kind: 'only' }
  | {
      readonly kind: 'page';
      readonly page: number;
      /** A page has had exactly the size asked for, so a shorter one is the last. */
      readonly isSizeKept: boolean;
      /** The page before was shorter than asked for, which may be the end or the API's own, smaller size. */
      readonly isAfterShort: boolean;
    }
  | { readonly kind: 'cursor'; readonly cursor?: string | undefined }
  /** Path and query on the source's own origin; absent for the first page. */
  | { readonly kind: 'link'; readonly target?: string | undefined };

/** Where a reading can go on: after whole pages alone. */
export interface Checkpoint {
  readonly place: Place;
  /** Of the last record before. */
  readonly ordinal: number;
}

const longestCheckpoint = 2_000;
/** What the API calls its cursor is kept as it is; a longer one is left to be found again from the start. */
const longestToken = 1_500;

const checkpointSchema = z.strictObject({
  ordinal: z.int().min(0),
  place: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('page'),
      page: z.int().min(0),
      isSizeKept: z.boolean(),
      isAfterShort: z.boolean(),
    }),
    z.strictObject({ kind: z.literal('cursor'), cursor: z.string().min(1) }),
    z.strictObject({ kind: z.literal('link'), target: z.string().startsWith('/') }),
  ]),
});

/** The checkpoint as text for the ledger; undefined where the place is too long to be kept. */
export function formatCheckpoint({ place, ordinal }: Checkpoint): string | undefined {
  if (tokenOf(place).length > longestToken) return undefined;
  const text = JSON.stringify({ ordinal, place });
  return text.length > longestCheckpoint ? undefined : text;
}

/** @throws Failure `checkpoint-invalid` (give-up): it is none of `expected`'s, or the pagination was changed since */
export function parseCheckpoint(text: string, expected: Place['kind']): Checkpoint {
  const result = checkpointSchema.safeParse(parseJson(text));
  if (result.success && result.data.place.kind === expected) return result.data;
  throw new Failure({
    code: 'checkpoint-invalid',
    disposition: 'give-up',
    message: `the checkpoint of the source is not one of ${expected} pagination; start the run anew`,
  });
}

/** What names the place to the API. */
export function tokenOf(place: Place): string {
  if (place.kind === 'cursor') return place.cursor ?? '';
  if (place.kind === 'link') return place.target ?? '';
  return place.kind === 'page' ? String(place.page) : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
