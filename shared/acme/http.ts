import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { AccountSigner } from './account-key.ts';
import { requireAllowedUrl, type UrlScope } from './allowed-url.ts';
import { type Directory, type Endpoint, findEndpoint, readDirectory, requireResource } from './directory.ts';
import { bindExternalAccount, type ExternalAccount } from './external-account.ts';
import { signJws } from './jws.ts';
import type { NoncePool } from './nonces.ts';
import { type AcmeFailure, readProblem, readRefusal } from './problem.ts';
import { repeatRead } from './repeat-read.ts';
import type { AcmeResponse, AcmeTransport } from './transport.ts';

/** Refused nonces answered at once. */
const patientRefusals = 6;

/** What every session of a connection shares. */
export interface HttpWiring {
  readonly scope: UrlScope;
  readonly transport: AcmeTransport;
  readonly clock: Clock;
  readonly nonces: NoncePool;
  /** Waits until the CA's limit of requests per second has room. */
  readonly pace?: ((endpoint: Endpoint, signal: AbortSignal) => Promise<void>) | undefined;
  /** Fetched once; whoever comes first leaves it here. */
  readonly known: {
    fetching?: { answer: Promise<Directory>; signal: AbortSignal } | undefined;
    directory?: Directory;
  };
}

export interface Signing {
  readonly signer: AccountSigner;
  readonly kid?: string | undefined;
  readonly externalAccount?: ExternalAccount | undefined;
}

/** The HTTP side of one session: everything it sends goes through `#send` and ends with its signal. */
export class AcmeHttp {
  readonly #wiring: HttpWiring;
  readonly #signal: AbortSignal;

  constructor(wiring: HttpWiring, signal: AbortSignal) {
    this.#wiring = wiring;
    this.#signal = signal;
  }

  /** Fetched once per connection. @throws Failure `ca-protocol` where the URL is no directory */
  async getDirectory(): Promise<Directory> {
    const { known } = this.#wiring;
    while (!known.directory) {
      known.fetching ??= { answer: this.#readDirectory(), signal: this.#signal };
      const { fetching } = known;
      try {
        known.directory = await fetching.answer;
      } catch (error) {
        if (known.fetching === fetching) known.fetching = undefined;
        // That another session ran out of time while it fetched is no reason for this one to end.
        if (this.#signal.aborted || !fetching.signal.aborted) throw error;
      }
    }
    return known.directory;
  }

  async getResourceUrl(name: string): Promise<string> {
    return requireResource(await this.getDirectory(), name, this.#wiring.scope.directoryUrl);
  }

  /** An unsigned read without a nonce, repeated as reads are. Answers 200 or throws AcmeFailure. */
  async getOpen(url: string): Promise<AcmeResponse> {
    await this.getDirectory();
    return this.#repeat(() => this.#get(url));
  }

  /**
   * A signed POST. A refused nonce is answered with a fresh one and a fresh signature until the signal ends it;
   * any other answer is the caller's to judge.
   */
  async signedRequest(url: string, payload: unknown, signing: Signing): Promise<AcmeResponse> {
    const { nonces, clock } = this.#wiring;
    const body = await this.#withBinding(url, payload, signing);
    for (let refusals = 0; ; refusals++) {
      // Before the turn: who waits for the pace must not keep others from a nonce.
      await this.#pace(url);
      const response = await nonces.inTurn(
        (pooled) => this.#post(url, body, { signing, pooled }),
        this.#signal,
      );
      const rejectedNonce = response.status === 400 && readProblem(400, response.data).type === 'badNonce';
      if (!rejectedNonce) return response;
      // The nonce was good until it was sent the first time: the CA has acted, and its answer is lost.
      if (response.resent && payload !== null) throw answerLost(url);
      // The first refusals are chance; a CA that goes on refusing is not to be hammered.
      if (refusals >= patientRefusals) {
        const pauseMillis = Math.min(250, 10 * 2 ** (refusals - patientRefusals));
        await clock.sleep(pauseMillis, this.#signal);
      }
    }
  }

  /** A refusal as it is told. */
  refuse(response: AcmeResponse, url: string): AcmeFailure {
    return readRefusal(response, url, this.#wiring.clock.now());
  }

  async #withBinding(url: string, payload: unknown, { signer, externalAccount }: Signing): Promise<unknown> {
    if (!externalAccount) return payload;
    const jwk = await signer.jwk();
    const externalAccountBinding = bindExternalAccount(externalAccount, { newAccountUrl: url, jwk });
    return { ...(payload as object), externalAccountBinding };
  }

  async #post(url: string, payload: unknown, turn: { signing: Signing; pooled: string | undefined }) {
    const nonce = turn.pooled ?? (await this.#fetchNonce());
    const { signer, kid } = turn.signing;
    const body = JSON.stringify(await signJws(signer, { url, payload, kid, nonce }));
    const response = await this.#send('POST', url, body);
    const left = response.headers['replay-nonce'];
    if (left) this.#wiring.nonces.add(left);
    return response;
  }

  async #fetchNonce(): Promise<string> {
    const url = await this.getResourceUrl('newNonce');
    // GET, not HEAD: Node closes a connection after a HEAD response without Content-Length.
    const response = await this.#repeat(() => this.#get(url));
    const nonce = response.headers['replay-nonce'];
    if (nonce) return nonce;
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: 'the CA answered new-nonce without a Replay-Nonce header',
    });
  }

  async #readDirectory(): Promise<Directory> {
    const { directoryUrl } = this.#wiring.scope;
    const response = await this.#repeat(async () => {
      await this.#pace(directoryUrl);
      const answer = await this.#send('GET', directoryUrl);
      if (answer.status === 429 || answer.status >= 500) throw this.refuse(answer, directoryUrl);
      return answer;
    });
    return readDirectory(response, directoryUrl);
  }

  async #get(url: string): Promise<AcmeResponse> {
    await this.#pace(url);
    const response = await this.#send('GET', url);
    if (response.status === 200 || response.status === 204) return response;
    throw this.refuse(response, url);
  }

  async #pace(url: string): Promise<void> {
    const { pace, known, scope } = this.#wiring;
    if (pace)
      await pace(url === scope.directoryUrl ? 'directory' : findEndpoint(url, known.directory), this.#signal);
  }

  async #send(method: 'GET' | 'POST', url: string, body?: string): Promise<AcmeResponse> {
    requireAllowedUrl(url, this.#wiring.scope);
    return this.#wiring.transport({ method, url, body, signal: this.#signal });
  }

  #repeat<T>(read: () => Promise<T>): Promise<T> {
    return repeatRead(read, { clock: this.#wiring.clock, signal: this.#signal });
  }
}

const answerLost = (url: string) =>
  new Failure({
    code: 'ca-unreachable',
    disposition: 'retry',
    message: `the connection to ${new URL(url).host} broke after the CA had taken a request; what became of it is looked up next`,
  });
