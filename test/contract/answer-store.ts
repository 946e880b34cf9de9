import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerStore, ChallengeAnswer } from '../../shared/challenges/answers.ts';

export interface AnswerStoreSubject {
  readonly store: AnswerStore;
  stop(): Promise<void>;
}

const anAnswer = (overrides: Partial<ChallengeAnswer> = {}): ChallengeAnswer => ({
  answerKey: 'http-01#token',
  keyAuthorization: 'token.thumbprint',
  expiresAt: new Date('2026-09-01T00:00:00Z'),
  ...overrides,
});

export function describeAnswerStoreContract(name: string, make: () => Promise<AnswerStoreSubject>): void {
  describe(`AnswerStore: ${name}`, () => {
    let subject: AnswerStoreSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => subject.stop());

    it('answers undefined for a key nobody put', async () => {
      expect(await subject.store.get('http-01#unknown')).toBeUndefined();
    });

    it('returns what was put, with its instant', async () => {
      const answer = anAnswer({ answerKey: 'http-01#kept' });
      await subject.store.put(answer);
      expect(await subject.store.get('http-01#kept')).toEqual(answer);
    });

    it('overwrites an answer under the same key', async () => {
      const answer = anAnswer({ answerKey: 'tls-alpn-01#example.com' });
      await subject.store.put(answer);
      await subject.store.put({ ...answer, keyAuthorization: 'later.thumbprint' });
      expect((await subject.store.get(answer.answerKey))?.keyAuthorization).toBe('later.thumbprint');
    });

    it('removes an answer by its value, twice without complaint', async () => {
      const answer = anAnswer({ answerKey: 'http-01#removed' });
      await subject.store.put(answer);
      await subject.store.remove(answer);
      await subject.store.remove(answer);
      expect(await subject.store.get(answer.answerKey)).toBeUndefined();
    });

    it('keeps an answer when another value is removed', async () => {
      const answer = anAnswer({ answerKey: 'tls-alpn-01#shared.example.com' });
      await subject.store.put(answer);
      await subject.store.remove({ answerKey: answer.answerKey, keyAuthorization: 'another.thumbprint' });
      expect(await subject.store.get(answer.answerKey)).toEqual(answer);
    });
  });
}
