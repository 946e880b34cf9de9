/** What an execution environment is started with. */
export interface RuntimeSettings {
  readonly bundlePath: string;
  readonly handler: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMegabytes: number;
  /** Where compiled code is kept between environments. */
  readonly compileCacheDirectory: string | undefined;
}

export interface InvocationMessage {
  readonly requestId: string;
  readonly payload: string;
  /** Epoch milliseconds. */
  readonly deadlineAt: number;
  /** JSON text. */
  readonly clientContext: string | undefined;
}

/** An error as Lambda answers it. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[] | undefined;
}

/** What the environment tells its host: `loaded` or `not-loaded` once, then one outcome per invocation. */
export type RuntimeMessage =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'not-loaded'; readonly error: FunctionError }
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: FunctionError };

export function toFunctionError(thrown: unknown): FunctionError {
  if (!(thrown instanceof Error))
    return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return {
    errorType: thrown.name,
    errorMessage: thrown.message,
    trace: (thrown.stack ?? '').split('\n'),
  };
}
