/** The error types this server uses (RFC 8555, 6.7) with the HTTP status each has unless the case needs another. */
const usualStatus = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  invalidContact: 400,
  invalidProfile: 400,
  malformed: 400,
  orderNotReady: 403,
  rateLimited: 429,
  rejectedIdentifier: 400,
  serverInternal: 500,
  tls: 400,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
} as const;

export type ProblemType = keyof typeof usualStatus;

export interface Identifier {
  readonly type: string;
  readonly value: string;
}

/** `application/problem+json` (RFC 7807) as ACME fills it. */
export interface ProblemDocument {
  readonly type: string;
  readonly detail: string;
  readonly status?: number;
  readonly identifier?: Identifier;
  readonly subproblems?: readonly ProblemDocument[];
  readonly algorithms?: readonly string[];
}

export interface ProblemExtras {
  readonly status?: number;
  readonly identifier?: Identifier;
  readonly subproblems?: readonly ProblemDocument[];
  readonly algorithms?: readonly string[];
  /** Response headers that belong to this refusal, like Location on a key conflict. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Link header values beside the index. */
  readonly links?: readonly string[];
  /** Which limit refused, for the ledger. */
  readonly limit?: string;
  /** For refusals by what stands in front of the CA. */
  readonly replayNonce?: 'withheld';
}

/** A refusal on its way to the client. */
export class AcmeProblem extends Error {
  readonly type: ProblemType;
  readonly document: ProblemDocument;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly links: readonly string[];
  readonly limit: string | undefined;
  readonly replayNonce: 'withheld' | undefined;

  constructor(type: ProblemType, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.name = 'AcmeProblem';
    this.type = type;
    const { headers = {}, links = [], limit, replayNonce, status = usualStatus[type], ...members } = extras;
    this.headers = headers;
    this.links = links;
    this.limit = limit;
    this.replayNonce = replayNonce;
    this.status = status;
    this.document = { type: `urn:ietf:params:acme:error:${type}`, detail, status, ...members };
  }
}

export const malformed = (detail: string, extras: ProblemExtras = {}): AcmeProblem =>
  new AcmeProblem('malformed', detail, extras);

export const notFound = (detail: string): AcmeProblem => malformed(detail, { status: 404 });

export const unauthorized = (detail: string, extras: ProblemExtras = {}): AcmeProblem =>
  new AcmeProblem('unauthorized', detail, extras);

/** One refusal alone, several as subproblems of one compound refusal (RFC 8555, 6.7.1). */
export function combineProblems(problems: readonly AcmeProblem[]): AcmeProblem | undefined {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first;
  const sameType = problems.every((problem) => problem.type === first.type);
  return new AcmeProblem(
    sameType ? first.type : 'malformed',
    `${problems.length} identifiers were refused; see subproblems`,
    { subproblems: problems.map(({ document: { status: _, ...subproblem } }) => subproblem) },
  );
}

/** Anything thrown, as a problem; what nobody expected is `serverInternal` and shows no inner text. */
export function asProblem(error: unknown): AcmeProblem {
  if (error instanceof AcmeProblem) return error;
  return new AcmeProblem('serverInternal', 'the CA failed while it handled the request');
}
