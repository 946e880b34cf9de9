import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portOf } from '../../local/loopback.ts';
import { readSummary, runCommand, startCommand } from '../support/local-command.ts';

const inventory = [
  { domain: 'www.example.com' },
  { domain: '*.example.org', sans: ['example.org'], challenge: 'dns-01', dns_plugin: 'route53' },
  { domain: 'alpn.example.net', challenge: 'tls-alpn-01', key_type: 'rsa-2048' },
];
const names = ['*.example.org', 'alpn.example.net', 'www.example.com'];

let directory: string;
let domains: string;
let dataDir: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-flow-'));
  domains = join(directory, 'domains.json');
  dataDir = join(directory, 'data');
  await writeFile(domains, JSON.stringify(inventory));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const once = (...more: string[]) => ['--once', '--json', '--domains', domains, ...more];

describe('npm start -- --once --json', { timeout: 90_000 }, () => {
  it('renews, deploys and verifies every certificate, then nothing, then what changed in the inventory', async () => {
    const first = await runCommand(once('--data-dir', dataDir));
    expect(first.stderr).toContain('the embedded CA took 3 new orders');
    expect(readSummary(first)).toMatchObject({
      certificates: { total: 3, renewed: names, skipped: [], failed: [] },
      deployed: 3,
      verified: 3,
      etl: { status: 'succeeded', extracted: 5000, loaded: 4857, quarantined: 15, errors: 0 },
    });
    expect(first.status).toBe(0);
    const files = join(dataDir, 'deployed', '_wildcard.example.org');
    expect((await readdir(files)).filter((name) => name.endsWith('.pem')).sort()).toEqual([
      'cert.pem',
      'chain.pem',
      'fullchain.pem',
      'privkey.pem',
    ]);
    expect((await stat(join(files, 'privkey.pem'))).mode & 0o777).toBe(0o600);

    const second = await runCommand(once('--data-dir', dataDir));
    expect(second.stderr).toContain('the embedded CA took 0 new orders');
    expect(readSummary(second)).toMatchObject({
      certificates: { renewed: [], skipped: names, failed: [] },
      etl: { status: 'succeeded' },
    });
    expect(second.status).toBe(0);

    const changed = [{ ...inventory[0], sans: ['example.com'] }, ...inventory.slice(1)];
    await writeFile(domains, JSON.stringify(changed));
    const third = await runCommand(once('--data-dir', dataDir, '--no-etl'));
    expect(readSummary(third)).toMatchObject({
      certificates: { renewed: ['www.example.com'], skipped: ['*.example.org', 'alpn.example.net'] },
      etl: null,
    });
  });

  it('goes on after kill -9 in the middle of a pass, with one order per certificate', async () => {
    const killed = startCommand(once('--data-dir', dataDir, '--verbose'));
    await killed.seen('[answer-challenge]');
    killed.process.kill('SIGKILL');
    await killed.ended;
    const next = await runCommand(once('--data-dir', dataDir));
    const { certificates } = readSummary(next);
    expect([...certificates.renewed, ...certificates.skipped].sort()).toEqual(names);
    expect(certificates.failed).toEqual([]);
    const journal = await readFile(join(dataDir, 'ca', 'journal.jsonl'), 'utf8').catch(() => '');
    expect(countIssued(journal)).toBe(names.length);
  });

  it('goes on with the pipeline after kill -9 in the middle of a run', async () => {
    const killed = startCommand(once('--data-dir', dataDir));
    await killed.seen('pipeline orders: transforming');
    killed.process.kill('SIGKILL');
    await killed.ended;
    const next = await runCommand(once('--data-dir', dataDir));
    expect(readSummary(next).etl).toMatchObject({ status: 'succeeded', extracted: 5000, loaded: 4857 });
  });

  it('tells nothing of an interrupted pipeline, and goes on with it in the next pass', async () => {
    const interrupted = startCommand(once('--data-dir', dataDir));
    await interrupted.seen('pipeline orders: transforming');
    interrupted.process.kill('SIGINT');
    const cutOff = await interrupted.ended;
    expect(cutOff.status).toBe(130);
    expect(cutOff.stderr).toContain(
      'the pipeline was interrupted; with --data-dir its run goes on in the next',
    );
    expect(cutOff.stderr).not.toContain('✔');
    expect(readSummary(cutOff).etl).toBeNull();
    const next = await runCommand(once('--data-dir', dataDir));
    expect(readSummary(next).etl).toMatchObject({ status: 'succeeded', extracted: 5000, loaded: 4857 });
  });

  it('goes on with a failed run, loads a window again as it is defined now, and then has nothing to do', async () => {
    const example = JSON.parse(await readFile('examples/pipelines/orders.json', 'utf8'));
    // A day long, so that the passes are seldom about different windows.
    const definition = { ...example, window: { ...example.window, everySeconds: 86_400 } };
    const pipeline = join(directory, 'orders.json');
    const pass = () => runCommand(once('--data-dir', dataDir, '--pipeline', pipeline));
    const strict = { ...definition.quality, schemaViolationRate: { fail: 0.001 } };
    await writeFile(pipeline, JSON.stringify({ ...definition, quality: strict }));
    const failed = await pass();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/✘ 3 certificates and pipeline orders in .*\n/);
    const { etl: first, durationMs } = readSummary(failed);
    expect(first).toMatchObject({ status: 'failed', loaded: 0, quality: { findings: expect.any(Array) } });
    expect(first?.quality.findings).toContainEqual({
      action: 'fail',
      message: expect.stringContaining('violation-rate'),
    });
    expect(durationMs).toBeGreaterThan(first?.durationMs ?? 0);

    const again = await pass();
    expect(again.stderr).toContain(`run ${first?.runId} had failed (quality-below-threshold); it goes on`);
    expect(readSummary(again).etl).toMatchObject({ runId: first?.runId, status: 'failed' });

    await writeFile(pipeline, JSON.stringify(definition));
    const mended = await pass();
    expect(mended.stderr).toContain(`the definition has changed since run ${first?.runId}`);
    const { etl: second } = readSummary(mended);
    expect(second).toMatchObject({ status: 'succeeded', loaded: 4857 });
    expect(mended.stderr).toContain('✔ 3 certificates and pipeline orders in');

    const idle = await pass();
    expect(idle.stderr).toMatch(/was loaded at \S+ by run \S+; nothing to do/);
    expect(readSummary(idle).etl).toEqual(second);
  });

  it('does the rest when a challenge port is taken, and names the port and the option', async () => {
    const squatter = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const port = portOf(squatter);
    const result = await runCommand(once('--http-port', String(port)));
    squatter.close();
    expect(result.status).toBe(1);
    const { certificates } = readSummary(result);
    expect(certificates.renewed).toEqual(['*.example.org', 'alpn.example.net']);
    expect(certificates.failed).toHaveLength(1);
    expect(certificates.failed[0]?.error).toMatch(new RegExp(`port ${port} .*--http-port`));
  });

  it('tells what is wrong when the CA cannot be reached', async () => {
    const result = await runCommand(once('--directory', 'https://127.0.0.1:9/directory'));
    expect(result.status).toBe(1);
    expect(readSummary(result).certificates.failed.map(({ error }) => error)).toEqual(
      names.map(() => expect.stringContaining('the CA at 127.0.0.1:9 cannot be reached (ECONNREFUSED')),
    );
  });

  it('stops within two seconds of Ctrl-C, and loses nothing', async () => {
    const interrupted = startCommand(once('--data-dir', dataDir, '--verbose'));
    await interrupted.seen('[renew-certificate]');
    const interruptedAt = performance.now();
    interrupted.process.kill('SIGINT');
    expect((await interrupted.ended).status).toBe(130);
    expect(performance.now() - interruptedAt).toBeLessThan(2000);
    const next = await runCommand(once('--data-dir', dataDir));
    expect(next.status).toBe(0);
    const { certificates } = readSummary(next);
    expect([...certificates.renewed, ...certificates.skipped].sort()).toEqual(names);
  });

  it('refuses a data directory that another pass is using', async () => {
    const running = startCommand(['--domains', domains, '--data-dir', dataDir]);
    await running.seen('certfleet on this machine');
    const second = await runCommand(once('--data-dir', dataDir));
    expect(second.status).toBe(2);
    expect(second.stderr).toMatch(/is used by process \d+/);
    running.process.kill('SIGTERM');
    const { status, stderr } = await running.ended;
    expect(status, stderr).toBe(130);
  });
});

describe('bad input', () => {
  it.each([
    ['an empty list', '[]', 'the list of certificates is empty'],
    ['broken JSON', '[{"domain":', 'broken JSON'],
    [
      'a malformed name',
      '[{"domain":"-a.example.com"}]',
      '[0].domain: "-a.example.com": label starts with a hyphen',
    ],
    [
      'an unknown field',
      '[{"domain":"a.example.com","sanz":[]}]',
      '[0]: unknown field "sanz"; did you mean "sans"?',
    ],
    ['a wildcard under http-01', '[{"domain":"*.example.com","challenge":"http-01"}]', '[0]'],
    ['a duplicate', '[{"domain":"a.example.com"},{"domain":"a.example.com"}]', '[1]'],
  ])('%s ends with status 2 before anything starts', async (_, text, message) => {
    await writeFile(domains, text);
    const result = await runCommand(once());
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain('certfleet on this machine');
  });

  it('a missing file, a wrong option and a wrong port end with status 2', async () => {
    for (const args of [['--domains', join(directory, 'none.json')], ['--onze'], ['--tls-port', '70000']]) {
      expect(await runCommand(args)).toMatchObject({ status: 2, stdout: '' });
    }
  });

  it('--help shows every option', async () => {
    const result = await runCommand(['--help']);
    expect(result.status).toBe(0);
    for (const option of [
      '--domains',
      '--once',
      '--json',
      '--data-dir',
      '--directory',
      '--ca-roots',
      '--no-etl',
    ]) {
      expect(result.stdout).toContain(option);
    }
  });
});

const countIssued = (journal: string): number =>
  journal.split('\n').filter((line) => line.includes('"certificates"')).length;
