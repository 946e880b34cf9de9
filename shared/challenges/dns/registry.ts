import type { Clock } from '../../runtime/clock.ts';
import type { Environment } from '../../runtime/config.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import type { DnsProvider } from './provider.ts';
import { createRfc2136Provider, parseRfc2136Config } from './rfc2136.ts';

export interface DnsProviderContext {
  readonly env: Environment;
  /** Secret values by the name their provider documents; read by the caller, never from `env`. */
  readonly secrets: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
}

/** One row per `dns_plugin`. The environment is parsed when a provider is first used, not before. */
const factories: Readonly<Record<string, (context: DnsProviderContext) => DnsProvider>> = {
  /** Secret: RFC2136_TSIG_SECRET, base64. */
  rfc2136: ({ env, secrets, clock, random }) =>
    createRfc2136Provider({ ...parseRfc2136Config(env, secrets.RFC2136_TSIG_SECRET), clock, random }),
};

export const dnsPlugins: readonly string[] = Object.keys(factories);

/** Finds the provider of a `dns_plugin`; the same one for the same name. */
export type DnsProviderLookup = (plugin: string) => DnsProvider;

/**
 * Looks providers up by `dns_plugin`. With `standIn`, that provider serves whatever name is asked for, known or
 * not: a stack without the real DNS hosts can so take every inventory.
 * @throws Failure `dns-plugin-unknown` from the lookup, or `invalid-configuration` from the provider
 */
export function createDnsProviderLookup(
  context: DnsProviderContext,
  standIn?: string | undefined,
): DnsProviderLookup {
  const opened = new Map<string, DnsProvider>();
  return (plugin) => {
    const name = standIn ?? plugin;
    const known = opened.get(name);
    if (known) return known;
    const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
    if (!factory) throw unknownPlugin(name);
    const provider = factory(context);
    opened.set(name, provider);
    return provider;
  };
}

const unknownPlugin = (name: string) =>
  new Failure({
    code: 'dns-plugin-unknown',
    disposition: 'give-up',
    message: `dns_plugin "${name}" is not available; available: ${dnsPlugins.join(', ')}`,
  });
