import AcmeApi from 'acme-client/src/api.js';
import type { Clock } from '../runtime/clock.ts';
import type { Failure } from '../runtime/errors.ts';
import type { AccountSigner } from './account-key.ts';
import type { ExternalAccount } from './external-account.ts';
import type { AcmeHttp } from './http.ts';
import type { AcmeFailure } from './problem.ts';
import { repeatRead } from './repeat-read.ts';
import type { AcmeResponse } from './transport.ts';

export interface ApiWiring {
  readonly http: AcmeHttp;
  readonly signer: AccountSigner;
  readonly accountUrl?: string | undefined;
  readonly externalAccount?: ExternalAccount | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears of every refusal, and answers the failure to throw. */
  readonly onRefusal?: ((refusal: AcmeFailure) => Promise<Failure>) | undefined;
}

export interface RequestSigning {
  readonly includeJwsKid?: boolean;
  readonly includeExternalAccountBinding?: boolean;
  /** Signs by its own public key instead of the account. */
  readonly signer?: AccountSigner;
}

/**
 * acme-client's resources over our own transport. Refusals become AcmeFailure; reads are repeated on server and
 * network errors and after short Retry-Afters, writes never.
 */
export class TypedApi extends AcmeApi {
  readonly #wiring: ApiWiring;

  constructor(wiring: ApiWiring) {
    super(wiring.http, wiring.accountUrl ?? null);
    this.#wiring = wiring;
  }

  override async apiRequest(
    url: string,
    payload: unknown = null,
    validStatusCodes: readonly number[] = [],
    signing: RequestSigning = {},
  ): Promise<AcmeResponse> {
    const { http, onRefusal } = this.#wiring;
    const send = async () => {
      const response = await http.signedRequest(url, payload, this.#sign(signing));
      if (validStatusCodes.includes(response.status)) return response;
      const refusal = http.refuse(response, url);
      throw (await onRefusal?.(refusal)) ?? refusal;
    };
    // Only POST-as-GET (RFC 8555, 6.3) is free of effects.
    return payload === null ? repeatRead(send, this.#wiring) : send();
  }

  #sign({ includeJwsKid = true, includeExternalAccountBinding = false, signer }: RequestSigning) {
    const { externalAccount } = this.#wiring;
    return {
      signer: signer ?? this.#wiring.signer,
      kid: includeJwsKid && !signer ? (this.accountUrl ?? undefined) : undefined,
      externalAccount: includeExternalAccountBinding ? externalAccount : undefined,
    };
  }
}
