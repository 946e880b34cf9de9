import { startDnsServer } from '../../local/dns/server.ts';
import { createRfc2136Provider, type Rfc2136Options } from '../../shared/challenges/dns/rfc2136.ts';
import { parseTsigKey } from '../../shared/challenges/dns/tsig.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { systemRandom } from '../../shared/runtime/random.ts';
import { type DnsProviderSubject, describeDnsProviderContract } from './dns-provider.ts';

const secret = Buffer.from('a secret for the contract suite!').toString('base64');

async function makeRfc2136(options: Partial<Rfc2136Options>): Promise<DnsProviderSubject> {
  const server = await startDnsServer({ tsig: { keyName: 'certfleet', secret } });
  const provider = createRfc2136Provider({
    server: { host: '127.0.0.1', port: server.port },
    key: parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha256', secret }),
    clock: systemClock,
    random: systemRandom,
    ...options,
  });
  return {
    provider,
    valuesOf: async (fqdn) =>
      server
        .records()
        .filter((record) => record.fqdn === fqdn)
        .map((record) => record.value),
    stop: () => server.stop(),
  };
}

describeDnsProviderContract('rfc2136 over UDP, zone looked up', () => makeRfc2136({}));
describeDnsProviderContract('rfc2136 over TCP, zone configured', () =>
  makeRfc2136({ transport: 'tcp', zone: 'example.com' }),
);
