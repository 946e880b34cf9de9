/** What a CA takes its time for. */
export type AwaitedWork = 'validation' | 'issuance';

/**
 * How long to leave a CA alone before the first look, learnt by each process from the looks before. A look that
 * comes too early costs a request, one that comes late costs time; so about one in fifteen is to be early.
 */
export interface Patience {
  secondsFor(directoryUrl: string, work: AwaitedWork): number;
  learn(directoryUrl: string, work: AwaitedWork, firstLook: 'early' | 'done'): void;
}

/** Before anything is known: CAs validate from several places, which takes about a second. */
const firstSeconds: Readonly<Record<AwaitedWork, number>> = { validation: 1, issuance: 0.5 };
const shortestSeconds = 0.03;
const longestSeconds = 8;
// Shrinking by a twentieth and growing by all of it balance where one look in fifteen is early.
const shrink = 0.95;
const growth = 2;

export function createPatience(): Patience {
  const learnt = new Map<string, number>();
  const secondsFor = (directoryUrl: string, work: AwaitedWork) =>
    learnt.get(`${work} ${directoryUrl}`) ?? firstSeconds[work];
  return {
    secondsFor,
    learn(directoryUrl, work, firstLook) {
      const seconds = secondsFor(directoryUrl, work) * (firstLook === 'early' ? growth : shrink);
      learnt.set(`${work} ${directoryUrl}`, Math.min(longestSeconds, Math.max(shortestSeconds, seconds)));
    },
  };
}
