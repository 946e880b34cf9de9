import { describe, expect, it } from 'vitest';
import type { Round } from '../../bench/contest.ts';
import { median } from '../../bench/measure.ts';
import { parseOptions } from '../../bench/options.ts';
import { summarizeRounds } from '../../bench/standing.ts';
import { renderTable } from '../../bench/table.ts';

const aRound = (changes: Partial<Round> = {}): Round => ({
  attempted: 10,
  renewed: 10,
  failures: [],
  elapsedMillis: 2000,
  cpuMillis: 100,
  latencyMillis: [300, 400, 500],
  requests: 70,
  allRequests: 72,
  pebbleCpuMillis: 40,
  cloudCpuMillis: 0,
  foreignCpuMillis: 1000,
  ...changes,
});

describe('the median', () => {
  it('is the middle value, or the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeUndefined();
  });
});

describe('a standing', () => {
  it('counts per certificate renewed, failures included in the price, and takes medians over rounds', () => {
    const rounds = [aRound(), aRound({ renewed: 5, failures: ['x'] }), aRound({ cpuMillis: 110 })];
    expect(summarizeRounds('a', rounds)).toMatchObject({
      attempted: 30,
      renewed: 25,
      failures: ['x'],
      requestsPerCertificate: 7,
      cpuMsPerCertificate: 11,
      wallMsPerCertificate: 200,
      certificatesPerSecond: 5,
      foreignProcessors: 0.5,
      latencyMs: 400,
    });
  });

  it('leaves out what could not be measured, and rounds in which nothing was renewed', () => {
    const standing = summarizeRounds('a', [aRound({ renewed: 0 }), aRound({ cpuMillis: undefined })]);
    expect(standing.cpuMsPerCertificate).toBeUndefined();
    expect(standing.certificatesPerSecond).toBe(5);
    expect(summarizeRounds('a', []).certificatesPerSecond).toBeUndefined();
  });
});

describe('the table', () => {
  it('shows ratios to the yardstick, and a dash for what is not known', () => {
    const yardstick = summarizeRounds('acme-client', [aRound({ cpuMillis: 200 })]);
    const ours = summarizeRounds('certfleet', [aRound({ cloudCpuMillis: undefined })]);
    const row = renderTable([ours, yardstick], yardstick).split('\n')[1];
    expect(row).toMatch(/certfleet .*10\/10 .*10\.0 +\(0\.50x\)/);
    expect(row).toMatch(/ - /);
  });
});

describe('the options', () => {
  it('are those of the usage, with its defaults', () => {
    expect(parseOptions([])).toMatchObject({ certificates: 64, concurrency: 16, rounds: 3, nonceReject: 5 });
    expect(parseOptions(['--peers', 'lego'])).toMatchObject({ peers: ['lego'] });
    expect(parseOptions(['--help'])).toBe('help');
  });

  it.each([
    [['--peers', 'nobody'], /knows acme-client, lego, certbot, not nobody/],
    [['--certificates', '0'], /--certificates must be a whole number from 1/],
    [['--certificates', ''], /--certificates/],
    [['--surprise'], /surprise/],
  ])('refuse %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
