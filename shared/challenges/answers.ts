/** What answer-challenge and a TLS terminator must say when the CA asks. */
export interface ChallengeAnswer {
  /** `http-01#<token>` or `tls-alpn-01#<domain>`. */
  readonly answerKey: string;
  readonly keyAuthorization: string;
  /** After this instant the answer may vanish; nothing relies on that it does. */
  readonly expiresAt: Date;
}

/** Answers of pending challenges. `put` overwrites; `remove` removes only if the value is the one given. */
export interface AnswerStore {
  put(answer: ChallengeAnswer): Promise<void>;
  get(answerKey: string): Promise<ChallengeAnswer | undefined>;
  remove(answer: Pick<ChallengeAnswer, 'answerKey' | 'keyAuthorization'>): Promise<void>;
}
