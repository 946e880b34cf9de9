import type { AnswerStore, ChallengeAnswer } from './answers.ts';

/** Answers in this process alone. */
export function createMemoryAnswerStore(): AnswerStore {
  const answers = new Map<string, ChallengeAnswer>();
  return {
    async put(answer) {
      answers.set(answer.answerKey, answer);
    },
    async get(answerKey) {
      return answers.get(answerKey);
    },
    async remove({ answerKey, keyAuthorization }) {
      if (answers.get(answerKey)?.keyAuthorization === keyAuthorization) answers.delete(answerKey);
    },
  };
}
