import * as z from 'zod';
import type { Clock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { createDynamoDb } from '../runtime/dynamodb.ts';
import { systemRandom } from '../runtime/random.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import { createDynamoDbAnswerStore } from './answers.dynamodb.ts';
import { createResolverPropagation } from './dns/propagation.resolver.ts';
import { parsePropagationConfig } from './dns/propagation-config.ts';
import { createDnsProviderLookup } from './dns/registry.ts';
import { createChallengePresenters } from './presenters.ts';

const settings = z.object({
  CHALLENGES_TABLE: z.string(),
  SECRETS_PREFIX: z.string(),
  RFC2136_SERVER: z.string().optional(),
  /** One provider in place of every `dns_plugin`, where the real DNS hosts are out of reach. */
  DNS_PLUGIN_STAND_IN: z.string().optional(),
});

/**
 * Presenters over the challenges table and the DNS providers; `<prefix>/dns/rfc2136` holds {"tsigSecret"}.
 * @throws Failure `invalid-configuration`, `vault-unavailable`
 */
export async function createAwsPresenters(env: Environment, ports: { secrets: SecretStore; clock: Clock }) {
  const config = parseConfig(settings, env);
  const { secrets, clock } = ports;
  const rfc2136 = config.RFC2136_SERVER
    ? ((await secrets.read(`${config.SECRETS_PREFIX}/dns/rfc2136`)) as { tsigSecret?: string } | undefined)
    : undefined;
  const { resolvers, servers, passes, pollMillis } = parsePropagationConfig(env);
  const context = {
    env,
    secrets: { RFC2136_TSIG_SECRET: rfc2136?.tsigSecret },
    clock,
    random: systemRandom,
  };
  return createChallengePresenters({
    answers: createDynamoDbAnswerStore(createDynamoDb(), config.CHALLENGES_TABLE),
    clock,
    dns: {
      providers: createDnsProviderLookup(context, config.DNS_PLUGIN_STAND_IN),
      propagation: createResolverPropagation({ resolvers, servers }),
      passes,
      pollMillis,
    },
  });
}
