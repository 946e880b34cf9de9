import { Resolver } from 'node:dns/promises';
import { Failure } from '../../runtime/errors.ts';
import type { PropagationCheck, Visibility } from './propagation.ts';
import type { TxtRecord } from './provider.ts';
import { formatServerAddress, type ServerAddress } from './server-address.ts';

export interface ResolverPropagationOptions {
  /** Recursive resolvers by IP address for finding name servers; empty: the system's. */
  readonly resolvers?: readonly ServerAddress[] | undefined;
  /** Servers to ask by IP address, instead of those the zone's NS records name; empty: look them up. */
  readonly servers?: readonly ServerAddress[] | undefined;
  readonly timeoutMillis?: number | undefined;
}

/** Asks the zone's authoritative servers through node:dns. */
export function createResolverPropagation(options: ResolverPropagationOptions): PropagationCheck {
  const timeoutMillis = options.timeoutMillis ?? 3000;

  async function ask<Answer>(
    servers: readonly string[],
    question: (resolver: Resolver) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    signal.throwIfAborted();
    // A new one each time: the resolver's cache would repeat an old answer.
    const resolver = new Resolver({ timeout: timeoutMillis, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await question(resolver);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  const recursive = (options.resolvers ?? []).map(formatServerAddress);
  const configured = (options.servers ?? []).map(formatServerAddress);

  async function addressesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
    // IPv4 first: where both exist they lead to the same server, and not every network routes IPv6.
    const v4 = await ask(recursive, (resolver) => resolver.resolve4(host), signal).catch(() => []);
    if (v4.length > 0) return v4;
    const v6 = await ask(recursive, (resolver) => resolver.resolve6(host), signal).catch(() => []);
    return v6.map((address) => `[${address}]`);
  }

  async function nameServers(fqdn: string, signal: AbortSignal): Promise<readonly string[]> {
    for (let name = fqdn; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
      const hosts = await ask(recursive, (resolver) => resolver.resolveNs(name), signal).catch(() => []);
      if (hosts.length > 0) return hosts;
    }
    return [];
  }

  return {
    async findServers(fqdn, signal) {
      if (configured.length > 0) return configured.map((address) => ({ label: address, address }));
      const hosts = await nameServers(fqdn, signal);
      const found = await Promise.all(
        hosts.map(async (host) =>
          (await addressesOf(host, signal)).map((address) => ({
            label: `${host} (${address})`,
            address: `${address}:53`,
          })),
        ),
      );
      const servers = found.flat();
      if (servers.length > 0) return servers;
      throw new Failure({
        code: 'challenge-dns-servers-unknown',
        disposition: 'retry',
        message: `no authoritative name server found for ${fqdn}; check the delegation, or name the servers`,
      });
    },
    async check(server, record, signal) {
      try {
        const question = (resolver: Resolver) => resolver.resolveTxt(record.fqdn);
        return judge(record, await ask([server.address], question, signal));
      } catch (error) {
        return { visible: false, reason: reasonOf(error) };
      }
    },
  };
}

function judge(record: TxtRecord, texts: readonly string[][]): Visibility {
  if (texts.some((strings) => strings.join('') === record.value)) return { visible: true };
  return { visible: false, reason: 'other values only' };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOTFOUND' || code === 'ENODATA') return 'no such record';
  if (code === 'ETIMEOUT' || code === 'ECANCELLED') return 'no answer in time';
  return code;
}
