/** Where this CA looks for proofs; asked at every validation, since ports may be known late. */
export interface ValidationPorts {
  readonly httpPort: () => number;
  readonly tlsPort: () => number;
  readonly dnsServer: () => { host: string; port: number };
}

export interface ValidationTarget {
  /** Without `*.`. */
  readonly domain: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** A whole validation must be over by then. */
export const validationTimeoutMillis = 10_000;

/** A proof that was not found or is not right; anything else thrown is the CA's own fault. */
export class ValidationFailure extends Error {
  readonly type: 'connection' | 'dns' | 'tls' | 'unauthorized';

  constructor(type: ValidationFailure['type'], detail: string) {
    super(detail);
    this.type = type;
  }
}

/** What is shown of a foreign error: its code where it has one. */
export const nameOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
};
