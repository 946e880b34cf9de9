import { setTimeout } from 'node:timers/promises';

const stopMillis = 250;

/** Work that outlives the request that began it: validations and issuances. */
export class BackgroundTasks {
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #failure: unknown;

  /** Aborts when the CA stops. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Starts `work`; it must stop soon after its signal aborts. */
  start(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stopping;
    const task = work(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#failure ??= error;
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Aborts what runs and gives it a moment; rejects with the first failure that no task handled itself. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the CA is stopping'));
    // A look-up or handshake under way may not hear of it before its own timeout.
    await Promise.race([Promise.all(this.#running), setTimeout(stopMillis, undefined, { ref: false })]);
    if (this.#failure !== undefined) throw this.#failure;
  }
}
