import { isIP } from 'node:net';
import * as z from 'zod';
import { type Environment, parseConfig } from '../../runtime/config.ts';
import { parseServerAddress } from './server-address.ts';

const addresses = z
  .string()
  .default('')
  .transform((list, context) =>
    list
      .split(',')
      .filter((text) => text.trim() !== '')
      .flatMap((text) => {
        const address = parseServerAddress(text.trim());
        if (address && isIP(address.host)) return [address];
        context.issues.push({
          code: 'custom',
          message: `"${text}" is not an IP address with port`,
          input: text,
        });
        return [];
      }),
  );

const propagationConfig = z.object({
  DNS_RESOLVERS: addresses,
  DNS_PROPAGATION_SERVERS: addresses,
  DNS_PROPAGATION_PASSES: z.coerce.number().int().min(1).max(20).default(2),
  DNS_PROPAGATION_POLL_MILLIS: z.coerce.number().int().min(10).max(60_000).default(2000),
});

/**
 * How dns-01 waits: DNS_RESOLVERS finds name servers (default: the system's), DNS_PROPAGATION_SERVERS names them
 * instead (comma separated `address:port`), DNS_PROPAGATION_PASSES and DNS_PROPAGATION_POLL_MILLIS pace the looks.
 * @throws Failure `invalid-configuration`
 */
export function parsePropagationConfig(env: Environment) {
  const config = parseConfig(propagationConfig, env);
  return {
    resolvers: config.DNS_RESOLVERS,
    servers: config.DNS_PROPAGATION_SERVERS,
    passes: config.DNS_PROPAGATION_PASSES,
    pollMillis: config.DNS_PROPAGATION_POLL_MILLIS,
  };
}
