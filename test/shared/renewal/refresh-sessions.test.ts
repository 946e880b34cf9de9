import { describe, expect, it } from 'vitest';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import type { OpenSession } from '../../../shared/acme/connection.ts';
import { createSessionFinder } from '../../../shared/renewal/refresh-sessions.ts';

const preferred = ['lets-encrypt', 'https://ca.example.com/directory'].map(findAuthority);
const signal = new AbortController().signal;

function createScene() {
  const opened: string[] = [];
  const find = createSessionFinder({ preferred }, ({ directoryUrl }) => {
    opened.push(directoryUrl);
    return {
      directoryUrl,
      session: () => ({ resourceUrl: async () => directoryUrl }) as unknown as OpenSession,
    };
  });
  const ask = async (directoryUrl: string, firstChoice?: string) =>
    (await find({ directoryUrl, firstChoice }, signal))?.resourceUrl('newNonce');
  return { opened, ask };
}

describe('the CAs asked for renewal information', () => {
  it('are those of the deployment, each connected to once', async () => {
    const { ask, opened } = createScene();
    for (const { directoryUrl } of [...preferred, ...preferred]) {
      expect(await ask(directoryUrl)).toBe(directoryUrl);
    }
    expect(opened).toEqual(preferred.map(({ directoryUrl }) => directoryUrl));
  });

  it('are the one its own policy names, and no other', async () => {
    const { ask, opened } = createScene();
    const own = findAuthority('zerossl').directoryUrl;
    expect(await ask(own, own)).toBe(own);
    expect(await ask(own)).toBeUndefined();
    expect(await ask('https://gone.example.com/directory', own)).toBeUndefined();
    const inner = 'https://10.0.0.1/directory';
    expect(await ask(inner, inner)).toBeUndefined();
    expect(opened).toEqual([own]);
  });
});
