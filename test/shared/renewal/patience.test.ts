import { describe, expect, it } from 'vitest';
import { createPatience } from '../../../shared/renewal/patience.ts';

const ca = 'https://ca.example.org/directory';

describe('the patience with a CA', () => {
  it('begins with what CAs usually take, and is learnt for each CA and each kind of work by itself', () => {
    const patience = createPatience();
    expect(patience.secondsFor(ca, 'validation')).toBe(1);
    patience.learn(ca, 'validation', 'done');
    expect(patience.secondsFor(ca, 'validation')).toBeLessThan(1);
    expect(patience.secondsFor(ca, 'issuance')).toBe(0.5);
    expect(patience.secondsFor('https://other.example.org/directory', 'validation')).toBe(1);
  });

  it.each([0.1, 0.4, 3])(
    'settles near a CA that takes %s s, with about one early look in fifteen',
    (takes) => {
      const patience = createPatience();
      let early = 0;
      let waited = 0;
      for (let look = 0; look < 1000; look++) {
        const seconds = patience.secondsFor(ca, 'validation');
        const isEarly = seconds < takes;
        if (look >= 200) early += isEarly ? 1 : 0;
        if (look >= 200) waited += seconds;
        patience.learn(ca, 'validation', isEarly ? 'early' : 'done');
      }
      expect(early / 800).toBeLessThan(0.08);
      expect(waited / 800).toBeLessThan(takes * 2);
    },
  );

  it('never shrinks to nothing, nor grows past what a worker would wait', () => {
    const patience = createPatience();
    for (let look = 0; look < 500; look++) patience.learn(ca, 'issuance', 'done');
    expect(patience.secondsFor(ca, 'issuance')).toBe(0.03);
    for (let look = 0; look < 50; look++) patience.learn(ca, 'issuance', 'early');
    expect(patience.secondsFor(ca, 'issuance')).toBe(8);
  });
});
