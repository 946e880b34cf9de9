import { decode, encode } from 'dns-packet';
import * as z from 'zod';
import type { Clock } from '../../runtime/clock.ts';
import { type Environment, parseConfig } from '../../runtime/config.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import {
  type DnsTransport,
  dnsTransports,
  type ExchangeOptions,
  exchangeMessage,
} from './exchange.socket.ts';
import type { DnsProvider } from './provider.ts';
import { formatServerAddress, parseServerAddress, type ServerAddress } from './server-address.ts';
import { parseTsigKey, signMessage, type TsigKey, tsigAlgorithms, verifyMessage } from './tsig.ts';
import { readTsig } from './tsig-record.ts';
import { encodeUpdate, type TxtChange } from './update.ts';
import { classifyUpdateAnswer } from './update-answer.ts';

export interface Rfc2136Options {
  readonly server: ServerAddress;
  readonly key: TsigKey;
  readonly clock: Clock;
  readonly random: Random;
  /** Absent: found by SOA queries at `server`. */
  readonly zone?: string | undefined;
  readonly transport?: DnsTransport | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly timeoutMillis?: number | undefined;
  readonly attempts?: number | undefined;
}

const serverAddress = z.string().transform((text, context) => {
  const address = parseServerAddress(text);
  if (address) return address;
  context.issues.push({ code: 'custom', message: 'is not host:port', input: text });
  return z.NEVER;
});

const rfc2136Config = z.object({
  RFC2136_SERVER: serverAddress,
  RFC2136_ZONE: z.string().optional(),
  RFC2136_TRANSPORT: z.enum(dnsTransports).default('udp'),
  RFC2136_TSIG_KEY_NAME: z.string(),
  RFC2136_TSIG_ALGORITHM: z.enum(tsigAlgorithms).default('hmac-sha256'),
});

/**
 * Reads RFC2136_SERVER (`host:port`), RFC2136_ZONE, RFC2136_TRANSPORT, RFC2136_TSIG_KEY_NAME and
 * RFC2136_TSIG_ALGORITHM. The secret comes apart, because it lives in Secrets Manager.
 * @throws Failure `invalid-configuration`
 */
export function parseRfc2136Config(
  env: Environment,
  tsigSecret: string | undefined,
): Pick<Rfc2136Options, 'server' | 'zone' | 'transport' | 'key'> {
  const config = parseConfig(rfc2136Config, env);
  const key = parseTsigKey({
    name: config.RFC2136_TSIG_KEY_NAME,
    algorithm: config.RFC2136_TSIG_ALGORITHM,
    secret: tsigSecret ?? '',
  });
  const { RFC2136_SERVER: server, RFC2136_ZONE: zone, RFC2136_TRANSPORT: transport } = config;
  return { server, zone, transport, key };
}

/** Dynamic updates (RFC 2136) signed by TSIG (RFC 8945), for BIND, Knot, PowerDNS and their like. */
export function createRfc2136Provider(options: Rfc2136Options): DnsProvider {
  const { server, ttlSeconds = 60 } = options;
  const exchangeOptions = (signal: AbortSignal): ExchangeOptions => ({
    server,
    transport: options.transport ?? 'udp',
    timeoutMillis: options.timeoutMillis ?? 3000,
    attempts: options.attempts ?? 3,
    signal,
  });
  const newId = () => Math.floor(options.random() * 65536);

  async function apply(change: TxtChange, signal: AbortSignal): Promise<void> {
    const exchange = (message: Buffer) => exchangeMessage(message, exchangeOptions(signal));
    const fqdn = change.record.fqdn;
    const zone = options.zone ?? (await findZone({ fqdn, server, newId, exchange }));
    const request = signMessage(encodeUpdate({ id: newId(), zone, change }), {
      key: options.key,
      now: options.clock.now(),
    });
    const answer = await exchange(request.message);
    const verdict = verifyMessage(answer, {
      key: options.key,
      now: options.clock.now(),
      requestMac: request.mac,
    });
    const found = readTsig(answer);
    const failure = classifyUpdateAnswer({
      answer,
      signature: verdict.outcome,
      tsigError: typeof found === 'object' ? found.tsig.error : 0,
      place: { server: formatServerAddress(server), zone, fqdn, keyName: options.key.name },
    });
    if (failure) throw failure;
  }

  return {
    addTxt: (record, signal) => apply({ verb: 'add', record, ttlSeconds }, signal),
    removeTxt: (record, signal) => apply({ verb: 'remove', record, ttlSeconds }, signal),
  };
}

/**
 * The zone that holds `fqdn`: the owner of the SOA record the server shows for the name or the nearest of its
 * parents (an answer at the apex, an authority record below it, RFC 2308 section 2).
 */
async function findZone(search: {
  readonly fqdn: string;
  readonly server: ServerAddress;
  readonly newId: () => number;
  readonly exchange: (message: Buffer) => Promise<Buffer>;
}): Promise<string> {
  const labels = search.fqdn.split('.');
  for (let skipped = 0; skipped < labels.length - 1; skipped++) {
    const name = labels.slice(skipped).join('.');
    const answer = await search.exchange(
      encode({ type: 'query', id: search.newId(), questions: [{ type: 'SOA', name }] }),
    );
    const zone = readZone(answer, name);
    if (zone) return zone;
  }
  throw new Failure({
    code: 'challenge-dns-zone-unknown',
    disposition: 'give-up',
    message: `DNS server ${formatServerAddress(search.server)} knows no zone for ${search.fqdn}; set RFC2136_ZONE`,
  });
}

function readZone(answer: Buffer, name: string): string | undefined {
  try {
    const { answers = [], authorities = [] } = decode(answer);
    const owner = [...answers, ...authorities].find((record) => record.type === 'SOA')?.name.toLowerCase();
    return owner && `.${name}`.toLowerCase().endsWith(`.${owner}`) ? owner : undefined;
  } catch {
    return undefined;
  }
}
