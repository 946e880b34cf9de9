import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../../../../local/dns/server.ts';
import { createResolverPropagation } from '../../../../shared/challenges/dns/propagation.resolver.ts';
import { parsePropagationConfig } from '../../../../shared/challenges/dns/propagation-config.ts';
import { createDnsProviderLookup } from '../../../../shared/challenges/dns/registry.ts';
import { createDns01Presenter, dns01Record } from '../../../../shared/challenges/dns-01.ts';
import { systemClock } from '../../../../shared/runtime/clock.ts';
import { systemRandom } from '../../../../shared/runtime/random.ts';

const secret = Buffer.from('a secret for propagation tests..').toString('base64');
const signal = AbortSignal.timeout(60_000);
const record = { fqdn: '_acme-challenge.example.com', value: 'digest' };
const tsig = { keyName: 'certfleet', secret };

let primary: DnsServer;
let secondary: DnsServer;
beforeAll(async () => {
  primary = await startDnsServer({ tsig });
  secondary = await startDnsServer({ tsig });
});
afterAll(async () => {
  await Promise.all([primary.stop(), secondary.stop()]);
});

const addressOf = (server: DnsServer) => ({ host: '127.0.0.1', port: server.port });
const labelled = (port: number) => ({ label: 'ns', address: `127.0.0.1:${port}` });
const providerAt = (server: DnsServer) =>
  createDnsProviderLookup({
    env: { RFC2136_SERVER: `127.0.0.1:${server.port}`, RFC2136_TSIG_KEY_NAME: 'certfleet' },
    secrets: { RFC2136_TSIG_SECRET: secret },
    clock: systemClock,
    random: systemRandom,
  })('rfc2136');

describe('the propagation check', () => {
  it('sees a value once it is there, among others', async () => {
    const propagation = createResolverPropagation({});
    const server = labelled(primary.port);
    const look = () => propagation.check(server, record, signal);
    expect(await look()).toEqual({ visible: false, reason: 'no such record' });
    await providerAt(primary).addTxt({ ...record, value: 'another' }, signal);
    expect(await look()).toEqual({ visible: false, reason: 'other values only' });
    await providerAt(primary).addTxt(record, signal);
    expect(await look()).toEqual({ visible: true });
  });

  it('takes a server that does not answer for one that shows nothing', async () => {
    const gone = await startDnsServer({ tsig });
    await gone.stop();
    const propagation = createResolverPropagation({ timeoutMillis: 100 });
    expect(await propagation.check(labelled(gone.port), record, signal)).toMatchObject({ visible: false });
  });

  it('asks the configured servers instead of looking them up', async () => {
    const propagation = createResolverPropagation({ servers: [addressOf(primary), addressOf(secondary)] });
    const servers = await propagation.findServers('_acme-challenge.example.com', signal);
    expect(servers.map(({ address }) => address)).toEqual([
      `127.0.0.1:${primary.port}`,
      `127.0.0.1:${secondary.port}`,
    ]);
  });

  it('finds the name servers of the enclosing zone by their addresses', async () => {
    const propagation = createResolverPropagation({ resolvers: [addressOf(primary)] });
    expect(await propagation.findServers('_acme-challenge.a.b.example.com', signal)).toEqual([
      { label: 'ns.example.com (127.0.0.1)', address: '127.0.0.1:53' },
    ]);
  });

  it('says so when nobody knows the name servers', async () => {
    const gone = await startDnsServer({ tsig });
    await gone.stop();
    const propagation = createResolverPropagation({ resolvers: [addressOf(gone)], timeoutMillis: 100 });
    await expect(propagation.findServers('_acme-challenge.example.com', signal)).rejects.toMatchObject({
      code: 'challenge-dns-servers-unknown',
      message: expect.stringContaining('_acme-challenge.example.com'),
    });
  });
});

describe('dns-01 over real servers', () => {
  it('holds back until the slower of two servers shows the value', async () => {
    const challenge = {
      type: 'dns-01',
      domain: 'slow.example.com',
      token: 't',
      keyAuthorization: 't.thumbprint',
      dnsPlugin: 'rfc2136',
    } as const;
    const presenter = createDns01Presenter({
      providers: () => providerAt(primary),
      propagation: createResolverPropagation({ servers: [addressOf(primary), addressOf(secondary)] }),
      clock: systemClock,
      passes: 1,
    });
    await presenter.present(challenge, signal);
    expect(await presenter.findObstacle(challenge, signal)).toContain(`127.0.0.1:${secondary.port}`);
    await providerAt(secondary).addTxt(dns01Record(challenge), signal);
    expect(await presenter.findObstacle(challenge, signal)).toBeUndefined();
    await presenter.withdraw(challenge, signal);
    expect(primary.records()).not.toContainEqual(dns01Record(challenge));
  });
});

describe('propagation configuration', () => {
  it('reads lists of addresses and leaves the rest at its defaults', () => {
    const env = { DNS_PROPAGATION_SERVERS: '127.0.0.1:5353, [::1]:53', DNS_RESOLVERS: '' };
    expect(parsePropagationConfig(env)).toEqual({
      resolvers: [],
      servers: [
        { host: '127.0.0.1', port: 5353 },
        { host: '::1', port: 53 },
      ],
      passes: 2,
      pollMillis: 2000,
    });
  });

  it('reports every malformed entry', () => {
    const env = { DNS_RESOLVERS: 'ns1.example.com', DNS_PROPAGATION_PASSES: '0' };
    expect(() => parsePropagationConfig(env)).toThrow(
      /DNS_RESOLVERS: "ns1\.example\.com".*DNS_PROPAGATION_PASSES/,
    );
  });
});
