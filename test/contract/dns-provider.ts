import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DnsProvider } from '../../shared/challenges/dns/provider.ts';

export interface DnsProviderSubject {
  readonly provider: DnsProvider;
  /** The TXT values the DNS host now shows under a name, in any order. */
  valuesOf(fqdn: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export function describeDnsProviderContract(name: string, make: () => Promise<DnsProviderSubject>): void {
  describe(`DnsProvider: ${name}`, () => {
    const signal = AbortSignal.timeout(60_000);
    let subject: DnsProviderSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(async () => subject.stop());

    it('shows an added value and hides a removed one', async () => {
      const record = { fqdn: '_acme-challenge.one.example.com', value: 'first-value' };
      await subject.provider.addTxt(record, signal);
      expect(await subject.valuesOf(record.fqdn)).toEqual(['first-value']);
      await subject.provider.removeTxt(record, signal);
      expect(await subject.valuesOf(record.fqdn)).toEqual([]);
    });

    it('adds and removes the same value twice without complaint', async () => {
      const record = { fqdn: '_acme-challenge.two.example.com', value: 'value' };
      await subject.provider.addTxt(record, signal);
      await subject.provider.addTxt(record, signal);
      expect(await subject.valuesOf(record.fqdn)).toEqual(['value']);
      await subject.provider.removeTxt(record, signal);
      await subject.provider.removeTxt(record, signal);
      expect(await subject.valuesOf(record.fqdn)).toEqual([]);
    });

    it('keeps the values of wildcard and apex together, and removes them one by one', async () => {
      const fqdn = '_acme-challenge.three.example.com';
      await subject.provider.addTxt({ fqdn, value: 'apex' }, signal);
      await subject.provider.addTxt({ fqdn, value: 'wildcard' }, signal);
      expect([...(await subject.valuesOf(fqdn))].sort()).toEqual(['apex', 'wildcard']);
      await subject.provider.removeTxt({ fqdn, value: 'apex' }, signal);
      expect(await subject.valuesOf(fqdn)).toEqual(['wildcard']);
    });

    it('loses no value of twenty added at the same time', async () => {
      const fqdn = '_acme-challenge.four.example.com';
      const values = Array.from({ length: 20 }, (_, index) => `value-${String(index).padStart(2, '0')}`);
      await Promise.all(values.map((value) => subject.provider.addTxt({ fqdn, value }, signal)));
      expect([...(await subject.valuesOf(fqdn))].sort()).toEqual(values);
      await Promise.all(values.map((value) => subject.provider.removeTxt({ fqdn, value }, signal)));
      expect(await subject.valuesOf(fqdn)).toEqual([]);
    });
  });
}
