import { createHash } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { ChallengePresenter, PresentedChallenge } from './challenge.ts';
import type { PropagationCheck } from './dns/propagation.ts';
import type { TxtRecord } from './dns/provider.ts';
import type { DnsProviderLookup } from './dns/registry.ts';

export interface Dns01Options {
  readonly providers: DnsProviderLookup;
  readonly propagation: PropagationCheck;
  readonly clock: Clock;
  /** Between two looks at the servers; default 2000. */
  readonly pollMillis?: number | undefined;
  /** Looks in a row that must find the value everywhere, since one address may be many servers; default 2. */
  readonly passes?: number | undefined;
}

/** The record a CA looks for (RFC 8555, 8.4). A wildcard and its apex share the name with different values. */
export function dns01Record(challenge: Pick<PresentedChallenge, 'domain' | 'keyAuthorization'>): TxtRecord {
  return {
    fqdn: `_acme-challenge.${challenge.domain}`,
    value: createHash('sha256').update(challenge.keyAuthorization).digest('base64url'),
  };
}

/**
 * Shows dns-01 proofs. A proof counts as visible when `passes` looks in a row find the value on every
 * authoritative server.
 * @throws Failure `dns-plugin-unknown`, `dns-plugin-missing`, `challenge-dns-…`
 */
export function createDns01Presenter(options: Dns01Options): ChallengePresenter {
  return {
    async present(challenge, signal) {
      await options.providers(pluginOf(challenge)).addTxt(dns01Record(challenge), signal);
    },
    findObstacle: (challenge, signal) => findLaggingServers(dns01Record(challenge), options, signal),
    async withdraw(challenge, signal) {
      await options.providers(pluginOf(challenge)).removeTxt(dns01Record(challenge), signal);
    },
  };
}

function pluginOf(challenge: PresentedChallenge): string {
  if (challenge.dnsPlugin) return challenge.dnsPlugin;
  throw new Failure({
    code: 'dns-plugin-missing',
    disposition: 'give-up',
    message: `${challenge.domain} is to be proven by dns-01, but the inventory names no dns_plugin for it`,
  });
}

async function findLaggingServers(
  record: TxtRecord,
  options: Dns01Options,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { propagation, clock, pollMillis = 2000, passes = 2 } = options;
  const servers = await propagation.findServers(record.fqdn, signal);
  for (let pass = 1; ; pass++) {
    const looks = await Promise.all(
      servers.map(async (server) => ({ server, look: await propagation.check(server, record, signal) })),
    );
    const lagging = looks.flatMap(({ server, look }) =>
      look.visible ? [] : [`${server.label}: ${look.reason}`],
    );
    if (lagging.length > 0) return `TXT ${record.fqdn} is not visible everywhere yet (${lagging.join('; ')})`;
    if (pass >= passes) return undefined;
    await clock.sleep(pollMillis, signal);
  }
}
