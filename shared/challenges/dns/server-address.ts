import { isIPv6 } from 'node:net';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`; undefined if it is none of them. The port defaults to 53. */
export function parseServerAddress(text: string): ServerAddress | undefined {
  if (isIPv6(text)) return { host: text, port: 53 };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 53);
  if (!host || port < 1 || port > 65535 || (match?.[1] && !isIPv6(host))) return undefined;
  return { host, port };
}

/** The form node:dns takes: `host:port` or `[v6]:port`. */
export const formatServerAddress = ({ host, port }: ServerAddress): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
