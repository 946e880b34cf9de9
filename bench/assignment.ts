/** What the bench tells a contender's process, and hears from it. */
export interface Assignment {
  readonly directoryUrl: string;
  /** PEM file: the roots of the CA's own listener. */
  readonly rootsFile: string;
  /** Renewed before the measurement, so that account, directory, connections and compiled code are there. */
  readonly warmUpNames: readonly string[];
  readonly names: readonly string[];
  readonly concurrency: number;
  /** No certificate is begun later than this after the start. */
  readonly budgetMillis: number;
  /** Served by the http-01 endpoint, for programs that write their proofs into files. */
  readonly webroot: string;
  /** The contender's own, empty at the start. */
  readonly scratch: string;
  /** The program to run, for contenders that are one. */
  readonly program: string | undefined;
}

export interface Performance {
  readonly attempted: number;
  readonly renewed: number;
  /** Why certificates failed, one text each. */
  readonly failures: readonly string[];
  readonly elapsedMillis: number;
  /** User and system time of the contender; undefined where this system does not tell. */
  readonly cpuMillis: number | undefined;
  /** From the start of each certificate to its end, in any order. */
  readonly latencyMillis: readonly number[];
}

/** An http-01 proof to be shown, or taken away, by the endpoint that all contenders share. */
export interface Proof {
  readonly answerKey: string;
  readonly keyAuthorization: string;
}

export type ToContender =
  | { readonly kind: 'prepare'; readonly assignment: Assignment }
  | { readonly kind: 'go' }
  | { readonly kind: 'proof-handled'; readonly id: number };

export type FromContender =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly performance: Performance }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'show' | 'withdraw'; readonly id: number; readonly proof: Proof };
