interface InventoryEntry {
  readonly domain: string;
  readonly sans?: readonly string[];
  readonly challenge: 'http-01' | 'dns-01' | 'tls-alpn-01';
  readonly dns_plugin?: string;
  readonly key_type?: string;
}

const dnsPlugins = ['route53', 'cloudflare', 'rfc2136', 'google'];

/**
 * Sixty certificates: each kind of challenge twenty times, one to ten names, wildcards alone and beside their
 * apex, ECDSA and RSA keys, names that share a parent and names that do not.
 */
export const mixedInventory = (): readonly InventoryEntry[] =>
  Array.from({ length: 60 }, (_, index) => {
    const size = 1 + (Math.floor(index / 3) % 10);
    const base = `fleet-${index}.example`;
    const sans = (first: string, count: number) =>
      Array.from({ length: count }, (_, san) => `${first}${san}.${base}`);
    const key_type = index % 20 === 19 ? 'rsa-2048' : 'ecdsa-p256';
    switch (index % 3) {
      case 0:
        return { domain: `www.${base}`, sans: sans('http', size - 1), challenge: 'http-01', key_type };
      case 1:
        return { domain: `www.${base}`, sans: sans('alpn', size - 1), challenge: 'tls-alpn-01', key_type };
      default:
        return {
          domain: `*.${base}`,
          sans: size === 1 ? [] : [base, ...sans('*.deep', size - 2)],
          challenge: 'dns-01',
          dns_plugin: dnsPlugins[index % dnsPlugins.length] ?? 'route53',
          key_type,
        };
    }
  });

/** `count` certificates of one name each, the kinds of challenge in turn. */
export const singleNameInventory = (count: number): readonly InventoryEntry[] =>
  Array.from({ length: count }, (_, index) => {
    const domain = `single-${index}.example`;
    switch (index % 3) {
      case 0:
        return { domain, challenge: 'http-01' };
      case 1:
        return { domain, challenge: 'tls-alpn-01' };
      default:
        return { domain, challenge: 'dns-01', dns_plugin: 'route53' };
    }
  });

/** The name the product gives a certificate that the inventory does not name. */
export const namesOf = (inventory: readonly InventoryEntry[]): readonly string[] =>
  inventory.map(({ domain }) => domain).sort();
