import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { opensslVerify } from './openssl.ts';
import { aSubscriber, startPlainCa } from './subscriber.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startWithRoots(alternateRoots: number | undefined, dataDir?: string) {
  const { ca, clock } = await startPlainCa({
    ...(alternateRoots === undefined ? {} : { alternateRoots }),
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  const subscriber = await aSubscriber(ca);
  cleanups.push(
    () => ca.stop(),
    () => subscriber.raw.close(),
  );
  return { ca, clock, subscriber };
}

const alternatesIn = (link: string | string[] | undefined): string[] =>
  [...String(link).matchAll(/<([^>]+)>;rel="alternate"/g)].map(([, url = '']) => url);

it('a certificate is offered under every root, each chain naming the others', async () => {
  const { ca, clock, subscriber } = await startWithRoots(2);
  const { chainPem, headers } = await subscriber.issue(['a.example.com']);
  const links = alternatesIn(headers.link);
  expect(links).toHaveLength(2);
  const chains = [chainPem];
  for (const url of links) {
    const reply = await subscriber.post(url);
    expect(alternatesIn(reply.headers.link)).toHaveLength(2);
    expect(alternatesIn(reply.headers.link)).not.toContain(url);
    chains.push(reply.text);
  }
  const roots = [ca.rootPem, ...ca.alternateRootPems];
  for (const [rootIndex, root] of roots.entries()) {
    for (const [chainIndex, chain] of chains.entries()) {
      const verify = () => opensslVerify(root, chain, clock.now());
      if (rootIndex === chainIndex) expect(verify()).toContain('OK');
      else expect(verify).toThrow();
    }
  }
});

it('there is one chain and no link unless more are asked for', async () => {
  const { ca, subscriber } = await startWithRoots(undefined);
  const { headers, order, serial } = await subscriber.issue(['a.example.com']);
  expect([order.status, alternatesIn(headers.link), ca.alternateRootPems]).toEqual([201, [], []]);
  expect((await subscriber.post(`${subscriber.raw.origin}/acme/cert/${serial}/1`)).status).toBe(404);
});

it('other roots are kept, and more are added where more are asked for later', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ca-'));
  cleanups.push(() => rmSync(dataDir, { recursive: true }));
  const first = await startWithRoots(1, dataDir);
  await first.ca.stop();
  const next = await startWithRoots(2, dataDir);
  expect(next.ca.alternateRootPems).toEqual([first.ca.alternateRootPems[0], expect.any(String)]);
});
