import type { TxtRecord } from '../../shared/challenges/dns/provider.ts';

const normalize = (name: string) => name.toLowerCase().replace(/\.$/, '');

/** The TXT values on show, any number under a name, each once. */
export class TxtRecords {
  readonly #values = new Map<string, Set<string>>();

  add({ fqdn, value }: TxtRecord): void {
    const name = normalize(fqdn);
    const values = this.#values.get(name) ?? new Set();
    this.#values.set(name, values.add(value));
  }

  remove({ fqdn, value }: TxtRecord): void {
    const name = normalize(fqdn);
    const values = this.#values.get(name);
    values?.delete(value);
    if (values?.size === 0) this.#values.delete(name);
  }

  removeAll(fqdn: string): void {
    this.#values.delete(normalize(fqdn));
  }

  valuesOf(fqdn: string): readonly string[] {
    return [...(this.#values.get(normalize(fqdn)) ?? [])];
  }

  list(): readonly TxtRecord[] {
    return [...this.#values].flatMap(([fqdn, values]) => [...values].map((value) => ({ fqdn, value })));
  }
}
