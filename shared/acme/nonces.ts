/**
 * Nonces that responses left behind (RFC 8555, 6.5). Every response feeds the pool and every request takes
 * from it, so that new-nonce is asked only when it runs dry. Newest first: CAs forget old nonces first.
 */
export class NoncePool {
  readonly #nonces: string[] = [];
  readonly #capacity: number;

  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  add(nonce: string): void {
    this.#nonces.push(nonce);
    if (this.#nonces.length > this.#capacity) this.#nonces.shift();
  }

  take(): string | undefined {
    return this.#nonces.pop();
  }
}
