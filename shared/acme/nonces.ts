export interface NoncePoolOptions {
  readonly capacity?: number;
  /** Nonces that go round at first. */
  readonly circulating?: number;
  readonly mostCirculating?: number;
  /** Requests that end while others wait, until one more nonce goes round. */
  readonly finishedPerGrowth?: number;
}

/**
 * Nonces that responses left behind (RFC 8555, 6.5). Every response feeds the pool and every request takes from
 * it. A request that finds none waits for one, unless fewer are under way than nonces should go round: then it
 * gets a new one. So a batch that starts at once asks for a few and shares them, and as long as requests wait a
 * further one joins now and then, one per 150 of them.
 */
export class NoncePool {
  readonly #nonces: string[] = [];
  readonly #waiting: ((nonce: string | undefined) => void)[] = [];
  readonly #capacity: number;
  readonly #mostCirculating: number;
  readonly #finishedPerGrowth: number;
  #circulating: number;
  #inFlight = 0;
  #finishedWhileWaiting = 0;

  constructor(options: NoncePoolOptions = {}) {
    this.#capacity = options.capacity ?? 64;
    this.#circulating = options.circulating ?? 4;
    this.#mostCirculating = options.mostCirculating ?? 32;
    this.#finishedPerGrowth = options.finishedPerGrowth ?? 150;
  }

  add(nonce: string): void {
    this.#nonces.push(nonce);
    if (this.#nonces.length > this.#capacity) this.#nonces.shift();
  }

  /**
   * Sends in the order of the calls, with the newest nonce (CAs forget old ones first); undefined: `send` asks
   * for a new one. Rejects with the signal's reason when it aborts before the request's turn.
   */
  async inTurn<T>(send: (nonce: string | undefined) => Promise<T>, signal: AbortSignal): Promise<T> {
    const nonce = await this.#wait(signal);
    try {
      return await send(nonce);
    } finally {
      this.#inFlight -= 1;
      this.#grow();
      this.#dispatch();
    }
  }

  async #wait(signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<string | undefined>();
    this.#waiting.push(turn.resolve);
    const stop = () => {
      const index = this.#waiting.indexOf(turn.resolve);
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      turn.reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#dispatch();
    return turn.promise.finally(() => signal.removeEventListener('abort', stop));
  }

  #dispatch(): void {
    while (this.#nonces.length > 0 || this.#inFlight < this.#circulating) {
      const go = this.#waiting.shift();
      if (!go) return;
      this.#inFlight += 1;
      go(this.#nonces.pop());
    }
  }

  #grow(): void {
    if (this.#waiting.length === 0 || this.#circulating >= this.#mostCirculating) return;
    this.#finishedWhileWaiting += 1;
    if (this.#finishedWhileWaiting < this.#finishedPerGrowth) return;
    this.#finishedWhileWaiting = 0;
    this.#circulating += 1;
  }
}
