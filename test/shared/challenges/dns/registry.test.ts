import { describe, expect, it } from 'vitest';
import { createDnsProviderLookup, dnsPlugins } from '../../../../shared/challenges/dns/registry.ts';
import { systemClock } from '../../../../shared/runtime/clock.ts';

const aContext = (env: Record<string, string> = {}) => ({
  env: { RFC2136_SERVER: '127.0.0.1:53', RFC2136_TSIG_KEY_NAME: 'fleet', ...env },
  secrets: { RFC2136_TSIG_SECRET: 'c2VjcmV0' },
  clock: systemClock,
  random: () => 0.5,
});

describe('the DNS provider registry', () => {
  it('opens each provider once', () => {
    const lookup = createDnsProviderLookup(aContext());
    expect(lookup('rfc2136')).toBe(lookup('rfc2136'));
  });

  it.each(['route54', 'constructor', ''])('lists what is available when "%s" is asked for', (name) => {
    expect(() => createDnsProviderLookup(aContext())(name)).toThrow(
      expect.objectContaining({
        code: 'dns-plugin-unknown',
        disposition: 'give-up',
        message: `dns_plugin "${name}" is not available; available: ${dnsPlugins.join(', ')}`,
      }),
    );
  });

  it('lets one provider stand in for every name', () => {
    const lookup = createDnsProviderLookup(aContext(), 'rfc2136');
    expect(lookup('route53')).toBe(lookup('cloudflare'));
  });

  it('parses a provider’s environment only when it is asked for', () => {
    const lookup = createDnsProviderLookup(aContext({ RFC2136_SERVER: '' }));
    expect(() => lookup('rfc2136')).toThrow(/RFC2136_SERVER/);
  });
});
