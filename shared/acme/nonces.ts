/**
 * Nonces that responses left behind (RFC 8555, 6.5). Every response feeds the pool and every request takes
 * from it, so that new-nonce is asked only when it runs dry. Newest first: CAs forget old nonces first.
 */
export class NoncePool {
  readonly #nonces: string[] = [];
  readonly #capacity: number;
  readonly #inFlightLimit: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor({ capacity = 64, inFlightLimit = 4 } = {}) {
    this.#capacity = capacity;
    this.#inFlightLimit = inFlightLimit;
  }

  add(nonce: string): void {
    this.#nonces.push(nonce);
    if (this.#nonces.length > this.#capacity) this.#nonces.shift();
  }

  take(): string | undefined {
    return this.#nonces.pop();
  }

  /**
   * Sends when fewer than `inFlightLimit` requests are under way. Without it a batch that starts at once finds
   * the pool empty and asks for a nonce per request; so it asks for `inFlightLimit` in all and shares them.
   */
  async inTurn<T>(send: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#inFlightLimit)
      await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#inFlight += 1;
    try {
      return await send();
    } finally {
      const resume = this.#waiting.shift();
      if (resume) resume();
      else this.#inFlight -= 1;
    }
  }
}
