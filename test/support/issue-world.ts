import { randomBytes } from 'node:crypto';
import { type AcmeCa, startAcmeCa } from '../../local/ca/ca.ts';
import type { AcmeCaOptions } from '../../local/ca/ca-options.ts';
import { startDnsServer } from '../../local/dns/server.ts';
import { startHttpEndpoint } from '../../local/endpoints/http.ts';
import { createMemoryAnswerStore } from '../../shared/challenges/answers.memory.ts';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { createResolverPropagation } from '../../shared/challenges/dns/propagation.resolver.ts';
import type { TxtRecord } from '../../shared/challenges/dns/provider.ts';
import { createDnsProviderLookup } from '../../shared/challenges/dns/registry.ts';
import { answerHttpChallenge } from '../../shared/challenges/http-01.ts';
import { createChallengePresenters } from '../../shared/challenges/presenters.ts';
import type { Presenters } from '../../shared/renewal/steps/issue-step.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { systemRandom } from '../../shared/runtime/random.ts';

/** Where a CA looks for proofs, on 127.0.0.1. */
export interface ProofServers {
  readonly answers: AnswerStore;
  readonly httpPort: number;
  readonly dnsPort: number;
  /** The environment and secret with which the DNS server takes updates. */
  readonly dnsSettings: { readonly env: Readonly<Record<string, string>>; readonly tsigSecret: string };
  /** The TXT records on show. */
  dnsRecords(): readonly TxtRecord[];
  /** Presenters of one worker; `answers` in place of the servers' own must lead to them. */
  presentersFor(clock: Clock, answers?: AnswerStore): Presenters;
  stop(): Promise<void>;
}

export async function startProofServers(options: {
  readonly httpPort?: number;
  readonly dnsPort?: number;
  readonly answers?: AnswerStore;
}): Promise<ProofServers> {
  const own = options.answers ?? createMemoryAnswerStore();
  const http = await startHttpEndpoint({
    port: options.httpPort,
    handler: async ({ path }) => {
      const answer = await answerHttpChallenge(path, own);
      return answer.outcome === 'found'
        ? { status: 200, headers: {}, body: answer.keyAuthorization }
        : { status: 404, headers: {}, body: '' };
    },
  });
  const tsigSecret = randomBytes(32).toString('base64');
  const dns = await startDnsServer({
    port: options.dnsPort,
    tsig: { keyName: 'proofs.test', secret: tsigSecret },
  });
  const env = { RFC2136_SERVER: `127.0.0.1:${dns.port}`, RFC2136_TSIG_KEY_NAME: 'proofs.test' };
  return {
    answers: own,
    httpPort: http.port,
    dnsPort: dns.port,
    dnsSettings: { env, tsigSecret },
    dnsRecords: () => dns.records(),
    presentersFor: (clock, answers = own) =>
      createChallengePresenters({
        answers,
        clock,
        dns: {
          // Signatures carry the time, and the server's is the machine's.
          providers: createDnsProviderLookup(
            {
              env,
              secrets: { RFC2136_TSIG_SECRET: tsigSecret },
              clock: systemClock,
              random: systemRandom,
            },
            'rfc2136',
          ),
          propagation: createResolverPropagation({ servers: [{ host: '127.0.0.1', port: dns.port }] }),
          passes: 1,
        },
      }),
    stop: async () => {
      await Promise.all([http.stop(), dns.stop()]);
    },
  };
}

/** A CA and where it looks for proofs. */
export interface IssueWorld extends ProofServers {
  readonly directoryUrl: string;
  /** PEM: the CA's own HTTPS root and the one of what it issues. */
  readonly rootPem: string;
}

/** The embedded CA, quick and with refused nonces unless `options` say otherwise. */
export async function startIssueWorld(
  options: Partial<AcmeCaOptions> = {},
): Promise<IssueWorld & { readonly ca: AcmeCa }> {
  const servers = await startProofServers({});
  const ca = await startAcmeCa({
    httpPort: () => servers.httpPort,
    tlsPort: () => 1,
    dnsServer: () => ({ host: '127.0.0.1', port: servers.dnsPort }),
    finalizeMillis: 20,
    badNonceRate: 0.2,
    ...options,
  });
  return {
    ...servers,
    ca,
    directoryUrl: ca.directoryUrl,
    rootPem: ca.rootPem,
    stop: async () => {
      await ca.stop();
      await servers.stop();
    },
  };
}
