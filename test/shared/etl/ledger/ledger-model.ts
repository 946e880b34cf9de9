import type { RunState } from '../../../../shared/etl/ledger/run.ts';

export type Fare = 'done' | 'pause' | 'transient' | 'throttled' | 'poison' | 'die-at-work' | 'die-settling';

interface ModelChunk {
  /** 0 to 2: extract, transform, load; 3: done. */
  stage: number;
  settling: boolean;
  /** A worker that died holds it until then. */
  heldUntil: number;
  held: boolean;
  restsUntil: number;
  failures: number;
  vanished: number;
  checkpoint: number;
}

const runningStates: readonly RunState[] = ['extracting', 'transforming', 'loading'];
const retrySeconds = [30, 120, 600];
export const leaseSeconds = 60;

/** What a run and its chunks ought to do, told in a few numbers; time is in seconds. */
export class LedgerModel {
  now = 0;
  state: RunState = 'extracting';
  failedIn: RunState = 'extracting';
  readonly chunks: ModelChunk[];
  readonly counted: readonly Set<number>[] = [new Set(), new Set(), new Set()];
  parked = new Set<number>();

  constructor(count: number) {
    this.chunks = Array.from({ length: count }, () => ({
      stage: 0,
      settling: false,
      heldUntil: 0,
      held: false,
      restsUntil: 0,
      failures: 0,
      vanished: 0,
      checkpoint: 0,
    }));
  }

  /** What a worker that comes to the chunk now ought to be told. */
  carry(index: number, fare: Fare): string {
    const chunk = this.#chunk(index);
    if (chunk.stage === 3 || chunk.restsUntil > this.now || chunk.heldUntil > this.now) return 'not-taken';
    const takenOver = chunk.held;
    this.parked.delete(index);
    this.#free(chunk);
    if (chunk.settling) return this.#settle(index);
    if (takenOver) chunk.vanished += 1;
    if (!runningStates.includes(this.state)) {
      this.parked.add(index);
      return 'not-taken';
    }
    // Loading waits until all are transformed.
    if (chunk.stage === 2 && this.state !== 'loading') return 'not-taken';
    return chunk.vanished > 5 ? this.#fail(index) : this.#fare(index, fare);
  }

  resume(): boolean {
    if (this.state !== 'failed') return false;
    this.state = this.failedIn;
    this.#revive();
    return true;
  }

  /** Parked chunks are due again and their tries forgotten; those that rest still rest. */
  tend(): void {
    if (!runningStates.includes(this.state)) return;
    this.#revive();
    this.#advance();
  }

  #revive(): void {
    if (!runningStates.includes(this.state)) return;
    for (const index of this.parked) {
      const chunk = this.#chunk(index);
      if (chunk.restsUntil > this.now || chunk.heldUntil > this.now) continue;
      Object.assign(chunk, { failures: 0, vanished: 0, restsUntil: 0 });
      this.parked.delete(index);
    }
  }

  #fare(index: number, fare: Fare): string {
    const chunk = this.#chunk(index);
    switch (fare) {
      case 'done':
        return this.#settle(index);
      case 'pause':
        Object.assign(chunk, { failures: 0, vanished: 0, restsUntil: 0, checkpoint: chunk.checkpoint + 1 });
        return 'paused';
      case 'transient': {
        const pause = retrySeconds[chunk.failures];
        chunk.failures += 1;
        if (pause === undefined) return this.#fail(index);
        Object.assign(chunk, { vanished: 0, restsUntil: this.now + pause });
        return 'retry';
      }
      case 'throttled':
        Object.assign(chunk, { vanished: 0, restsUntil: this.now + 45 });
        return 'retry';
      case 'poison':
        return this.#fail(index);
      default:
        Object.assign(chunk, { held: true, heldUntil: this.now + leaseSeconds });
        chunk.settling = fare === 'die-settling';
        return 'died';
    }
  }

  #settle(index: number): string {
    const chunk = this.#chunk(index);
    this.counted[chunk.stage]?.add(index);
    this.#advance();
    Object.assign(chunk, {
      stage: chunk.stage + 1,
      settling: false,
      failures: 0,
      vanished: 0,
      restsUntil: 0,
    });
    return 'finished';
  }

  #fail(index: number): string {
    this.#chunk(index).vanished = 0;
    this.parked.add(index);
    this.failedIn = this.state;
    this.state = 'failed';
    return 'failed';
  }

  #advance(): void {
    for (const [stage, state] of runningStates.entries())
      if (this.state === state && this.counted[stage]?.size === this.chunks.length)
        this.state = runningStates[stage + 1] ?? 'loaded';
  }

  #free(chunk: ModelChunk): void {
    Object.assign(chunk, { held: false, heldUntil: 0 });
  }

  #chunk(index: number): ModelChunk {
    const chunk = this.chunks[index];
    if (!chunk) throw new RangeError(`no chunk ${index}`);
    return chunk;
  }
}
