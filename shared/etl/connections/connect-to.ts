import { Failure } from '../../runtime/errors.ts';

/** Where to connect to in place of `host:port`, as curl's --connect-to does. */
export type ConnectTo = ReadonlyMap<string, { readonly host: string; readonly port: number }>;

/**
 * Reads `api.shop.example.com:443=127.0.0.1:4433,…`; IPv6 in brackets. Empty for an empty text.
 * @throws Failure `invalid-configuration`
 */
export function parseConnectTo(text: string): ConnectTo {
  const pairs = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  return new Map(
    pairs.map((pair) => {
      const [from = '', to = '', ...more] = pair.split('=');
      const place = readPlace(to);
      if (!readPlace(from) || !place || more.length > 0) throw invalid(pair);
      return [from.toLowerCase(), place];
    }),
  );
}

function readPlace(text: string): { host: string; port: number } | undefined {
  const { v6, name, port } =
    /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^[\]:\s]+)):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = v6 ?? name;
  return host === undefined || !port || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

const invalid = (pair: string) =>
  new Failure({
    code: 'invalid-configuration',
    disposition: 'give-up',
    message: `invalid environment: ETL_CONNECT_TO holds ${JSON.stringify(pair)}; write host:port=host:port, with commas between`,
  });
