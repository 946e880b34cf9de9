import { beforeAll, describe, expect, it } from 'vitest';
import { downloadChain } from '../../../shared/acme/chain-download.ts';
import { createTestCa } from '../../support/test-ca.ts';
import { createFakeCa, origin } from './fake-ca.ts';

const url = `${origin}/cert/1`;
const chains = { default: '', second: '', third: '' };

beforeAll(async () => {
  const issue = async (root: string) =>
    (await (await createTestCa(root)).issue({ domains: ['www.example.com'] })).fullchainPem;
  chains.default = await issue('Root A');
  chains.second = await issue('Root B');
  chains.third = await issue('Root C');
});

const link = [
  `<${origin}/directory>;rel="index"`,
  `<${origin}/cert/1/1>;rel="alternate"`,
  '</cert/1/2>; title="a, b"; rel=alternate',
].join(', ');

const aCa = (changes: object = {}) =>
  createFakeCa({
    '/cert/1': { data: chains.default, headers: { link } },
    '/cert/1/1': { data: chains.second },
    '/cert/1/2': { data: chains.third },
    ...changes,
  });
const asked = (ca: ReturnType<typeof aCa>) => ca.paths().filter((path) => path.startsWith('/cert'));

describe('a chain', () => {
  it('is the default where none is preferred', async () => {
    const ca = aCa();
    expect(await downloadChain(await ca.session(), url)).toEqual({ pem: chains.default, matched: true });
    expect(asked(ca)).toEqual(['/cert/1']);
  });

  it.each([['Root A'], ['Root A Issuer']])(
    'is the default where that is the one preferred, by %s',
    async (name) => {
      const ca = aCa();
      const chain = await downloadChain(await ca.session(), url, { preferredChain: name });
      expect(chain).toEqual({ pem: chains.default, matched: true });
      expect(asked(ca)).toEqual(['/cert/1']);
    },
  );

  it('is the alternate preferred, and no further one is fetched', async () => {
    const ca = aCa();
    const chain = await downloadChain(await ca.session(), url, { preferredChain: 'Root B' });
    expect(chain).toEqual({ pem: chains.second, matched: true });
    expect(asked(ca)).toEqual(['/cert/1', '/cert/1/1']);
  });

  it('is found behind relative links and awkward parameters', async () => {
    const chain = await downloadChain(await aCa().session(), url, { preferredChain: 'Root C' });
    expect(chain).toEqual({ pem: chains.third, matched: true });
  });

  it('is the default, and said not to match, where no alternate is the one preferred', async () => {
    const chain = await downloadChain(await aCa().session(), url, { preferredChain: 'Root D' });
    expect(chain).toEqual({ pem: chains.default, matched: false });
  });

  it('is not looked for on another host', async () => {
    const foreign = '<https://elsewhere.example/chain>;rel="alternate"';
    const ca = aCa({ '/cert/1': { data: chains.default, headers: { link: foreign } } });
    const download = downloadChain(await ca.session(), url, { preferredChain: 'Root B' });
    await expect(download).rejects.toMatchObject({ code: 'ca-url-refused' });
  });

  it('is a fault of the CA where there is none', async () => {
    const ca = aCa({ '/cert/1': { data: { status: 'valid' } } });
    await expect(downloadChain(await ca.session(), url)).rejects.toMatchObject({ code: 'ca-protocol' });
  });
});
