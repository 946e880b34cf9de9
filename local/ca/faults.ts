import { Failure } from '../../shared/runtime/errors.ts';

/** Instead of the request's effect; nothing is done, not even the nonce spent. */
export type InsteadAct =
  | 'drop-before'
  | 'hang'
  | 'html'
  | 'redirect'
  | {
      readonly status: number;
      /** Without the URN's prefix; absent: `serverInternal`. */
      readonly problemType?: string;
      readonly retryAfterSeconds?: number;
      /** Beside or over those that the answer has, like a Retry-After that is a date. */
      readonly headers?: Readonly<Record<string, string>>;
      /** The whole body, in place of a problem document. */
      readonly body?: string;
      readonly contentType?: string;
    }
  /** Then the request has its effect all the same, however long the client waited. */
  | { readonly delayBeforeMillis: number };

/** To the certificate that an accepted finalize asked for. */
export type IssuanceAct =
  | 'stuck-processing'
  | 'fail-issuance'
  | 'wrong-key'
  | 'extra-name'
  | 'missing-name'
  | 'late-not-before'
  /** As private CAs do, and public ones did before 2026. */
  | 'for-clients-too'
  | { readonly issueAfterMillis: number };

/** To the answer of a request that has had its effect. */
export type AnswerAct = 'drop-after' | 'truncate' | 'wrong-chain-order' | { readonly delayMillis: number };

export type FaultAct = InsteadAct | IssuanceAct | AnswerAct;

export interface Fault {
  /** As the ledger names requests: `newNonce`, `newOrder`, `finalize`, `order`, `renewalInfo`, … */
  readonly resource: string;
  /** The first matching request that is hit, counted from now; 1 when absent. */
  readonly when?: number;
  /** How many are hit; 1 when absent, Infinity for all. */
  readonly times?: number;
  /** Requests about at least one of these names alone. */
  readonly names?: readonly string[];
  /** Requests of the account with this URL alone. */
  readonly account?: string;
  /**
   * Acts on issuance count accepted finalize requests and acts on the answer successful requests; the others
   * count every request as it arrives.
   */
  readonly act: FaultAct;
}

export interface FaultHandle {
  /** How often the fault has acted. */
  readonly hits: number;
  remove(): void;
}

/** What is known of a request before anybody has checked it. */
export interface RequestFacts {
  readonly resource: string;
  readonly accountId?: string | undefined;
  readonly names: readonly string[];
}

type Phase = 'instead' | 'issuance' | 'answer';

interface ActiveFault {
  readonly fault: Fault;
  readonly phase: Phase;
  seen: number;
  hits: number;
}

const phases: Readonly<Record<string, Phase>> = {
  'drop-before': 'instead',
  hang: 'instead',
  html: 'instead',
  redirect: 'instead',
  status: 'instead',
  delayBeforeMillis: 'instead',
  'stuck-processing': 'issuance',
  'fail-issuance': 'issuance',
  'wrong-key': 'issuance',
  'extra-name': 'issuance',
  'missing-name': 'issuance',
  'late-not-before': 'issuance',
  'for-clients-too': 'issuance',
  issueAfterMillis: 'issuance',
  'drop-after': 'answer',
  truncate: 'answer',
  'wrong-chain-order': 'answer',
  delayMillis: 'answer',
};

/** What is to go wrong, asked at each request. */
export class Faults {
  readonly #active = new Set<ActiveFault>();

  get none(): boolean {
    return this.#active.size === 0;
  }

  /** @throws Failure `impossible-fault` for an act that its resource has no place for */
  add(fault: Fault): FaultHandle {
    const phase = phases[typeof fault.act === 'string' ? fault.act : (Object.keys(fault.act)[0] ?? '')];
    const stage =
      fault.act === 'wrong-chain-order' ? 'certificate' : phase === 'issuance' ? 'finalize' : undefined;
    if (phase === undefined || (stage ?? fault.resource) !== fault.resource) {
      throw new Failure({
        code: 'impossible-fault',
        disposition: 'bug',
        message: `${JSON.stringify(fault.act)} cannot happen to "${fault.resource}"${stage ? `, only to "${stage}"` : ''}`,
      });
    }
    const active: ActiveFault = { fault, phase, seen: 0, hits: 0 };
    this.#active.add(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => void this.#active.delete(active),
    };
  }

  takeInstead = (facts: RequestFacts) => this.#take('instead', facts) as InsteadAct | undefined;
  takeIssuance = (facts: RequestFacts) => this.#take('issuance', facts) as IssuanceAct | undefined;
  takeAnswer = (facts: RequestFacts) => this.#take('answer', facts) as AnswerAct | undefined;

  /** The first fault that is due; all that match have seen the request, and those still due hit the next. */
  #take(phase: Phase, facts: RequestFacts): FaultAct | undefined {
    const matching = [...this.#active].filter(
      (active) => active.phase === phase && matches(active.fault, facts),
    );
    for (const active of matching) active.seen += 1;
    const due = matching.find(
      ({ fault: { when = 1, times = 1 }, seen, hits }) => seen >= when && hits < times,
    );
    if (due === undefined) return undefined;
    due.hits += 1;
    return due.fault.act;
  }
}

const matches = ({ resource, names, account }: Fault, facts: RequestFacts): boolean =>
  resource === facts.resource &&
  (names === undefined || names.some((name) => facts.names.includes(name))) &&
  (account === undefined || (facts.accountId !== undefined && account.endsWith(`/${facts.accountId}`)));
