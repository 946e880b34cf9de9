// acme-client publishes no types for the two classes below; its version is pinned exactly for that reason.
declare module 'acme-client/src/http.js' {
  export interface HttpResponse {
    status: number;
    headers: Record<string, string | undefined>;
    // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the CA sent; readers in shared/acme check it
    data: any;
  }
  interface SigningOptions {
    kid?: string | null;
    nonce?: string | null;
    includeExternalAccountBinding?: boolean;
  }
  class HttpClient {
    constructor(
      directoryUrl: string,
      accountKey: Buffer,
      externalAccount?: { kid?: string; hmacKey?: string },
    );
    maxBadNonceRetries: number;
    request(url: string, method: string, options?: { data?: unknown }): Promise<HttpResponse>;
    getDirectory(): Promise<Record<string, unknown>>;
    getResourceUrl(resource: string): Promise<string>;
    getNonce(): Promise<string>;
    getJwk(): Record<string, string>;
    signedRequest(url: string, payload: unknown, options?: SigningOptions): Promise<HttpResponse>;
  }
  export default HttpClient;
}

declare module 'acme-client/src/api.js' {
  import type HttpClient from 'acme-client/src/http.js';
  import type { HttpResponse } from 'acme-client/src/http.js';

  class AcmeApi {
    constructor(http: HttpClient, accountUrl?: string | null);
    accountUrl: string | null;
    apiRequest(
      url: string,
      payload?: unknown,
      validStatusCodes?: number[],
      options?: { includeJwsKid?: boolean; includeExternalAccountBinding?: boolean },
    ): Promise<HttpResponse>;
    createAccount(data: object): Promise<HttpResponse>;
    createOrder(data: object): Promise<HttpResponse>;
    getOrder(url: string): Promise<HttpResponse>;
    finalizeOrder(url: string, data: { csr: string }): Promise<HttpResponse>;
    getAuthorization(url: string): Promise<HttpResponse>;
    completeChallenge(url: string, data: object): Promise<HttpResponse>;
    revokeCert(data: { certificate: string; reason?: number }): Promise<HttpResponse>;
  }
  export default AcmeApi;
}

declare module 'acme-client/src/crypto/index.js' {
  export function createCsr(data: { altNames: string[] }, keyPem: string): Promise<[Buffer, Buffer]>;
}
