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
 * Shows dns-01 proofs. `present` resolves once every authoritative server shows the value; the signal is its
 * deadline.
 * @throws Failure `challenge-not-visible` (retry) at the deadline, `dns-plugin-unknown`, `challenge-dns-…`
 */
export function createDns01Presenter(options: Dns01Options): ChallengePresenter {
  return {
    async present(challenge, signal) {
      const record = dns01Record(challenge);
      await options.providers(pluginOf(challenge)).addTxt(record, signal);
      await waitUntilVisible(record, options, signal);
    },
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

async function waitUntilVisible(
  record: TxtRecord,
  options: Dns01Options,
  signal: AbortSignal,
): Promise<void> {
  const { propagation, clock, pollMillis = 2000, passes = 2 } = options;
  let lagging: readonly string[] = ['servers not asked yet'];
  try {
    const servers = await propagation.findServers(record.fqdn, signal);
    for (let seen = 0; seen < passes; ) {
      const looks = await Promise.all(
        servers.map(async (server) => ({ server, look: await propagation.check(server, record, signal) })),
      );
      lagging = looks.flatMap(({ server, look }) =>
        look.visible ? [] : [`${server.label}: ${look.reason}`],
      );
      seen = lagging.length === 0 ? seen + 1 : 0;
      if (seen < passes) await clock.sleep(pollMillis, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Failure({
      code: 'challenge-not-visible',
      disposition: 'retry',
      message: `TXT ${record.fqdn} was not visible everywhere in time (${lagging.join('; ') || 'not long enough'})`,
      cause: error,
    });
  }
}
