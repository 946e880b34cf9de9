import { Failure } from '../../../runtime/errors.ts';
import type { SourceSlice } from '../../run/manifest.ts';
import type { ReadingPeriod } from '../in-window.ts';
import type { HttpsDefinition } from './pagination.ts';

/** What a slice asks the API for. */
export interface Span {
  /** The definition's URL with the window's parameters. */
  readonly url: URL;
  /** What the records are held to, whatever the API answers; absent without a watermark. */
  readonly period?: ReadingPeriod | undefined;
}

/** The window of a slice, begun earlier by the overlap. @throws Failure `slice-invalid` (bug) */
export function readSpan(slice: SourceSlice, { url: text, watermark }: HttpsDefinition): Span {
  const url = new URL(text);
  if (!watermark) return { url };
  const overlapMillis = watermark.overlapSeconds * 1000;
  const fromMillis = slice.kind === 'range' ? Date.parse(slice.from) - overlapMillis : Number.NaN;
  const toMillis = slice.kind === 'range' ? Date.parse(slice.to ?? '') : Number.NaN;
  if (Number.isNaN(fromMillis) || Number.isNaN(toMillis)) {
    const message = 'the slice is no range of time, which is all that an HTTPS source plans';
    throw new Failure({ code: 'slice-invalid', disposition: 'bug', message });
  }
  const { column, parameter, untilParameter } = watermark;
  url.searchParams.set(parameter, new Date(fromMillis).toISOString());
  if (untilParameter !== undefined) url.searchParams.set(untilParameter, new Date(toMillis).toISOString());
  return { url, period: { column, fromMillis, toMillis } };
}
