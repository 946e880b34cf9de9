import { randomBytes } from 'node:crypto';
import type { Random } from '../../shared/runtime/random.ts';

// A nonce dies by the number of younger ones, not by age, like those of Boulder's nonce service.
const keptNonces = 65_536;

/** Anti-replay nonces (RFC 8555, 6.5), each good once. */
export class Nonces {
  readonly #outstanding = new Set<string>();
  readonly #random: Random;
  readonly #rejectedShare: number;

  /** `rejectedShare` (0..1) of the good nonces is refused all the same, so that clients must cope. */
  constructor(options: { random: Random; rejectedShare: number }) {
    this.#random = options.random;
    this.#rejectedShare = options.rejectedShare;
  }

  issue(): string {
    const nonce = randomBytes(16).toString('base64url');
    this.#outstanding.add(nonce);
    if (this.#outstanding.size > keptNonces) {
      const [oldest] = this.#outstanding;
      if (oldest !== undefined) this.#outstanding.delete(oldest);
    }
    return nonce;
  }

  /** Whether the nonce is accepted; whatever the answer, it is spent. */
  redeem(nonce: string): boolean {
    return this.#outstanding.delete(nonce) && this.#random() >= this.#rejectedShare;
  }
}
