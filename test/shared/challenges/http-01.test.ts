import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryAnswerStore } from '../../../shared/challenges/answers.memory.ts';
import type { PresentedChallenge } from '../../../shared/challenges/challenge.ts';
import { answerHttpChallenge, createHttp01Presenter } from '../../../shared/challenges/http-01.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';

const aChallenge = (overrides: Partial<PresentedChallenge> = {}): PresentedChallenge => ({
  type: 'http-01',
  domain: 'example.com',
  token: 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0',
  keyAuthorization: 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.thumbprint',
  ...overrides,
});
const signal = AbortSignal.timeout(60_000);
const pathOf = ({ token }: PresentedChallenge) => `/.well-known/acme-challenge/${token}`;

function aPresenter() {
  const answers = createMemoryAnswerStore();
  return { answers, presenter: createHttp01Presenter({ answers, clock: systemClock }) };
}

describe('http-01', () => {
  it('answers the key authorization from present to withdraw', async () => {
    const { answers, presenter } = aPresenter();
    const challenge = aChallenge();
    await presenter.present(challenge, signal);
    expect(await answerHttpChallenge(pathOf(challenge), answers)).toEqual({
      outcome: 'found',
      keyAuthorization: challenge.keyAuthorization,
    });
    await presenter.withdraw(challenge, signal);
    expect(await answerHttpChallenge(pathOf(challenge), answers)).toEqual({ outcome: 'not-found' });
  });

  it.each([
    ['/'],
    ['/.well-known/acme-challenge/'],
    ['/.well-known/acme-challenge/../x'],
    ['/LoqXcYV8q5'],
    [''],
  ])('finds nothing at %s', async (path) => {
    expect(await answerHttpChallenge(path, createMemoryAnswerStore())).toEqual({ outcome: 'not-found' });
  });

  it('asks the store for well-formed tokens only', async () => {
    const asked: string[] = [];
    const store = {
      async get(answerKey: string) {
        asked.push(answerKey);
        return undefined;
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 600 }), async (text) => {
        await answerHttpChallenge(`/.well-known/acme-challenge/${text}`, store);
      }),
    );
    await answerHttpChallenge(`/.well-known/acme-challenge/${'a'.repeat(513)}`, store);
    expect(asked.filter((key) => !/^http-01#[A-Za-z0-9_-]{1,512}$/.test(key))).toEqual([]);
  });

  it('does not present a token that is not base64url', async () => {
    const { presenter } = aPresenter();
    await expect(presenter.present(aChallenge({ token: 'a/b' }), signal)).rejects.toMatchObject({
      code: 'challenge-token-invalid',
      message: expect.stringContaining('example.com'),
    });
  });
});
