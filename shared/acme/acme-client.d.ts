// acme-client publishes no types for this module; its version is pinned exactly for that reason.
declare module 'acme-client/src/api.js' {
  interface HttpResponse {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly data: unknown;
  }

  /** All that it asks of its HTTP client once `apiRequest` is overridden. */
  interface ResourceFinder {
    getResourceUrl(resource: string): Promise<string>;
  }

  class AcmeApi {
    constructor(http: ResourceFinder, accountUrl?: string | null);
    accountUrl: string | null;
    apiRequest(url: string, payload?: unknown, validStatusCodes?: readonly number[]): Promise<HttpResponse>;
    createAccount(data: object): Promise<HttpResponse>;
    updateAccount(data: object): Promise<HttpResponse>;
    updateAccountKey(data: object): Promise<HttpResponse>;
    createOrder(data: object): Promise<HttpResponse>;
    getOrder(url: string): Promise<HttpResponse>;
    finalizeOrder(url: string, data: { csr: string }): Promise<HttpResponse>;
    getAuthorization(url: string): Promise<HttpResponse>;
    completeChallenge(url: string, data: object): Promise<HttpResponse>;
    revokeCert(data: { certificate: string; reason?: number }): Promise<HttpResponse>;
  }
  export default AcmeApi;
}
