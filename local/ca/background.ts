/** Work that outlives the request that began it: validations and issuances. */
export class BackgroundTasks {
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #failure: unknown;

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

  /** Aborts what runs and waits for it; rejects with the first failure that no task handled itself. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the CA is stopping'));
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }
}
