import type { AnswerStore } from '../../shared/challenges/answers.ts';

/** An answer store that remembers which answers are on show through it. */
export interface WatchedAnswers extends AnswerStore {
  onShow(): readonly string[];
}

export function watchAnswers(store: AnswerStore): WatchedAnswers {
  const shown = new Set<string>();
  return {
    get: (key) => store.get(key),
    async put(answer) {
      shown.add(answer.answerKey);
      await store.put(answer);
    },
    async remove(answer) {
      await store.remove(answer);
      if (!(await store.get(answer.answerKey))) shown.delete(answer.answerKey);
    },
    onShow: () => [...shown],
  };
}
