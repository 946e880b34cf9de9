/** What Pebble's log says it was asked and did. */
export interface PebbleCounts {
  /** Requests by method and path prefix, such as `POST /order-plz`; refused nonces count as well. */
  readonly requests: Readonly<Record<string, number>>;
  /** Every request but those for the directory, the account and, in its own time, renewal information. */
  readonly certificateRequests: number;
  readonly ordersCreated: readonly string[];
  /** The order of every certificate issued; an order stands here twice if it was issued twice. */
  readonly ordersIssued: readonly string[];
}

const otherPaths =
  /^\/(dir|sign-me-up|my-account\/|rollover-account-key|draft-ietf-acme-ari-03\/renewalInfo\/)$/;

export function countPebbleLog(lines: readonly string[]): PebbleCounts {
  const requests: Record<string, number> = {};
  let certificateRequests = 0;
  for (const [, method, path = ''] of findAll(lines, /([A-Z]+) (\/\S*) -> calling handler\(\)/)) {
    const request = `${method} ${path}`;
    requests[request] = (requests[request] ?? 0) + 1;
    if (!otherPaths.test(path)) certificateRequests += 1;
  }
  return {
    requests,
    certificateRequests,
    ordersCreated: findAll(lines, /Added order "([^"]+)" to the db/).map(([, order = '']) => order),
    ordersIssued: findAll(lines, /Issued certificate serial \S+ for order (\S+)/).map(
      ([, order = '']) => order,
    ),
  };
}

const findAll = (lines: readonly string[], pattern: RegExp): readonly RegExpMatchArray[] =>
  lines.map((line) => line.match(pattern)).filter((match) => match !== null);
