import { Failure } from '../../../runtime/errors.ts';
import type { RecordLimits } from '../../records/limits.ts';
import type { RecordReading } from '../../records/reading.ts';
import type { SourceBatch } from '../source.ts';
import { askPage, type PagePorts } from './ask-page.ts';
import type { HttpsAnswer } from './client.https.ts';
import { PageLoop } from './page-loop.ts';
import { type HttpsDefinition, nextPlace, type PageFacts, urlOfPlace } from './pagination.ts';
import { type Checkpoint, formatCheckpoint, type Place } from './place.ts';
import { readPage } from './read-page.ts';
import type { Span } from './span.ts';

export interface PagesRequest {
  readonly chunkId: string;
  readonly definition: HttpsDefinition;
  readonly ports: PagePorts;
  readonly span: Span;
  readonly start: Checkpoint;
  readonly limits: RecordLimits;
  /** Of one page's text. */
  readonly pageBytes: number;
  readonly signal: AbortSignal;
}

/** Reads page after page; the last batch of each that is not the last has a checkpoint. */
export async function* readPages(reading: PagesRequest): AsyncGenerator<SourceBatch> {
  const { definition, span, limits, signal } = reading;
  const cursorPointer = definition.pagination?.type === 'cursor' ? definition.pagination.next : undefined;
  const loop = new PageLoop();
  let leftBytes = limits.totalBytes;
  let at: Checkpoint | undefined = reading.start;
  while (at) {
    const { place, ordinal }: Checkpoint = at;
    loop.enter(place);
    const url = urlOfPlace(span.url, place, definition);
    const answer = await askUnlessOver(place, url, reading);
    if (!answer) return;
    const after = (facts: PageFacts) => {
      loop.leave(place, facts);
      const next = nextPlace(place, facts, definition);
      return next && { place: next, ordinal: ordinal + facts.lastOrdinal };
    };
    const batches = readPage(answer, {
      ...reading,
      url,
      format: definition.format,
      cursorPointer,
      ordinal,
      period: span.period,
      limits: { ...limits, totalBytes: Math.max(1, leftBytes) },
    });
    const end: PageEnd = yield* markLast(batches, { after, signal });
    leftBytes -= end.textBytes;
    at = end.next;
  }
}

interface PageEnd {
  readonly next: Checkpoint | undefined;
  readonly textBytes: number;
}

/** Holds every batch back until it is known whether it is the last of its page, where the page's checkpoint goes. */
async function* markLast(
  batches: AsyncGenerator<readonly RecordReading[], PageFacts>,
  { after, signal }: { after: (facts: PageFacts) => Checkpoint | undefined; signal: AbortSignal },
): AsyncGenerator<SourceBatch, PageEnd> {
  let held: readonly RecordReading[] | undefined;
  try {
    let step = await batches.next();
    for (; !step.done; step = await batches.next()) {
      if (held) yield { readings: held };
      signal.throwIfAborted();
      held = step.value;
    }
    const next = after(step.value);
    if (held) yield { readings: held, checkpoint: next && formatCheckpoint(next) };
    signal.throwIfAborted();
    return { next, textBytes: step.value.textBytes };
  } finally {
    // Whoever leaves early leaves the connection as well.
    await batches.return(undefined as never);
  }
}

/** Some APIs have no page after the last one; behind a short page that is the end, and not a failure. */
async function askUnlessOver(
  place: Place,
  url: URL,
  { ports, signal }: PagesRequest,
): Promise<HttpsAnswer | undefined> {
  try {
    return await askPage(url, signal, ports);
  } catch (error) {
    const isOver = place.kind === 'page' && place.isAfterShort;
    if (isOver && error instanceof Failure && error.code === 'source-missing') return undefined;
    throw error;
  }
}
