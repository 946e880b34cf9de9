import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PresentedChallenge } from '../../../shared/challenges/challenge.ts';
import type { PropagationCheck } from '../../../shared/challenges/dns/propagation.ts';
import type { DnsProvider } from '../../../shared/challenges/dns/provider.ts';
import { createDns01Presenter, type Dns01Options, dns01Record } from '../../../shared/challenges/dns-01.ts';
import type { Clock } from '../../../shared/runtime/clock.ts';

const aChallenge = (overrides: Partial<PresentedChallenge> = {}): PresentedChallenge => ({
  type: 'dns-01',
  domain: 'example.com',
  token: 'token',
  keyAuthorization: 'token.thumbprint',
  dnsPlugin: 'rfc2136',
  ...overrides,
});

function aDnsHost() {
  const shown: string[] = [];
  const provider: DnsProvider = {
    async addTxt({ fqdn, value }) {
      shown.push(`${fqdn} ${value}`);
    },
    async removeTxt({ fqdn, value }) {
      shown.splice(shown.indexOf(`${fqdn} ${value}`), 1);
    },
  };
  return { shown, provider };
}

/** Sleeps without time passing, notes for how long, and aborts `deadline` once `budgetMillis` are used up. */
function aClock(budgetMillis = Number.POSITIVE_INFINITY) {
  const slept: number[] = [];
  const deadline = new AbortController();
  const clock: Clock = {
    now: () => new Date('2026-09-01T00:00:00Z'),
    async sleep(millis, signal) {
      slept.push(millis);
      if (slept.reduce((sum, each) => sum + each, 0) > budgetMillis) deadline.abort(new Error('deadline'));
      signal?.throwIfAborted();
    },
  };
  return { clock, slept, signal: deadline.signal };
}

/** Servers that each show the value from their n-th look on. */
function laggingServers(looksNeeded: Readonly<Record<string, number>>): PropagationCheck {
  const looks = new Map<string, number>();
  return {
    findServers: async () => Object.keys(looksNeeded).map((label) => ({ label, address: `${label}:53` })),
    async check({ label }) {
      const look = (looks.get(label) ?? 0) + 1;
      looks.set(label, look);
      return look >= (looksNeeded[label] ?? 0)
        ? { visible: true }
        : { visible: false, reason: 'no such record' };
    },
  };
}

function aPresenter(overrides: Partial<Dns01Options> & { propagation: PropagationCheck; clock: Clock }) {
  const host = aDnsHost();
  const presenter = createDns01Presenter({ providers: () => host.provider, pollMillis: 500, ...overrides });
  return { presenter, shown: host.shown };
}

describe('a dns-01 record', () => {
  it('has the digest of RFC 8555, 8.4 under _acme-challenge', () => {
    expect(dns01Record(aChallenge())).toEqual({
      fqdn: '_acme-challenge.example.com',
      value: createHash('sha256').update('token.thumbprint').digest('base64url'),
    });
    expect(dns01Record(aChallenge()).value).toHaveLength(43);
  });
});

describe('a proof by dns-01', () => {
  it('is visible when every server shows it, twice in a row by default', async () => {
    const { clock, slept, signal } = aClock();
    const { presenter, shown } = aPresenter({ clock, propagation: laggingServers({ ns1: 1, ns2: 3 }) });
    await presenter.present(aChallenge(), signal);
    expect(shown).toHaveLength(1);
    const lagging = 'TXT _acme-challenge.example.com is not visible everywhere yet (ns2: no such record)';
    expect(await presenter.findObstacle(aChallenge(), signal)).toBe(lagging);
    expect(await presenter.findObstacle(aChallenge(), signal)).toBe(lagging);
    expect(slept).toEqual([]);
    expect(await presenter.findObstacle(aChallenge(), signal)).toBeUndefined();
    expect(slept).toEqual([500]);
  });

  it('is not waited for at all when one look is enough', async () => {
    const { clock, slept, signal } = aClock();
    const { presenter } = aPresenter({ clock, passes: 1, propagation: laggingServers({ ns1: 1 }) });
    expect(await presenter.findObstacle(aChallenge(), signal)).toBeUndefined();
    expect(slept).toEqual([]);
  });

  it('is not visible when a server loses it between two looks', async () => {
    const looks = [true, false];
    const { clock, signal } = aClock();
    const propagation: PropagationCheck = {
      findServers: async () => [{ label: 'ns1', address: 'ns1:53' }],
      check: async () => (looks.shift() ? { visible: true } : { visible: false, reason: 'gone' }),
    };
    const { presenter } = aPresenter({ clock, propagation });
    expect(await presenter.findObstacle(aChallenge(), signal)).toContain('ns1: gone');
  });

  it('passes on why servers cannot be found while time is left', async () => {
    const { clock, signal } = aClock();
    const broken = new Error('no delegation');
    const propagation = { ...laggingServers({}), findServers: () => Promise.reject(broken) };
    await expect(
      aPresenter({ clock, propagation }).presenter.findObstacle(aChallenge(), signal),
    ).rejects.toBe(broken);
  });

  it('withdraws its own value and leaves the wildcard’s', async () => {
    const { clock, signal } = aClock();
    const { presenter, shown } = aPresenter({ clock, propagation: laggingServers({ ns1: 1 }) });
    const apex = aChallenge();
    const wildcard = aChallenge({ keyAuthorization: 'other.thumbprint' });
    await Promise.all([presenter.present(apex, signal), presenter.present(wildcard, signal)]);
    await presenter.withdraw(apex, signal);
    const { fqdn, value } = dns01Record(wildcard);
    expect(shown).toEqual([`${fqdn} ${value}`]);
  });

  it('refuses a challenge without a dns_plugin', async () => {
    const { clock, signal } = aClock();
    const { presenter } = aPresenter({ clock, propagation: laggingServers({ ns1: 1 }) });
    await expect(presenter.present(aChallenge({ dnsPlugin: undefined }), signal)).rejects.toMatchObject({
      code: 'dns-plugin-missing',
    });
  });
});
