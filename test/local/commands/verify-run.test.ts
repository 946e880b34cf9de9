import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyRunCommand } from '../../../local/commands/verify-run.ts';
import { type AuditEvent, chainStart, linkEvent } from '../../../shared/audit/event.ts';
import { type RunRecord, signRunRecord } from '../../../shared/audit/run-record.ts';
import { createPemSigner } from '../../../shared/audit/signer.ts';
import { aRunRecord } from '../../shared/audit/run-record-builder.ts';

const aPair = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
const [ours, others] = [aPair(), aPair()];
const signer = createPemSigner(ours.privateKey);

let directory: string;
const file = (name: string) => join(directory, name);
const write = async (name: string, content: string | object) => {
  await writeFile(file(name), typeof content === 'string' ? content : JSON.stringify(content));
  return file(name);
};
const signed = (overrides: Partial<RunRecord> = {}) => signRunRecord(aRunRecord(overrides), signer);
/** The command on `record`, which our key ought to have signed. */
const verify = async (record: object, ...more: string[]) =>
  verifyRunCommand(['--record', await write('record.json', record), '--key', file('ours.pem'), ...more]);

function aChain(length: number): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const at = new Date('2026-11-21T12:00:00Z');
    const draft = { id: `run-1/${seq}`, kind: 'chunk-loaded', at, facts: { rows: seq } };
    events.push(linkEvent('orders', events.at(-1) ?? chainStart, draft));
  }
  return events;
}
const asLines = (events: readonly object[]) => `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
const headOf = (events: readonly AuditEvent[]) => {
  const { seq, hash } = events.at(-1) ?? chainStart;
  return { seq, hash };
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-verify-'));
  await write('ours.pem', ours.publicKey);
  await write('others.pem', others.publicKey);
});
afterAll(() => rm(directory, { recursive: true }));

describe('verify-run', () => {
  it('finds a good record valid, and says whose it is and what it counts', async () => {
    const { status, stdout, stderr } = await verify(await signed());
    expect([status, stderr]).toEqual([0, undefined]);
    expect(stdout).toContain('valid: run 01933f2e-0000-7000-8000-000000000000 of pipeline orders\n');
    expect(stdout).toContain(`signed by  ${signer.keyId}`);
    expect(stdout).toContain('extracted 18, filtered 2');
    expect(stdout).toContain('not looked at; give --audit');
  });

  it('names each problem by its code', async () => {
    const record = await signed();
    const { status, stdout } = await verify({ ...record, record: { ...record.record, pipeline: 'refunds' } });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^not valid: run .* of pipeline refunds\n {2}signature-invalid: /);
    const { counts } = aRunRecord();
    const lossy = await verify(await signed({ counts: { ...counts, extracted: 19 } }));
    expect(lossy.status).toBe(1);
    expect(lossy.stdout).toContain('counts-differ: extracted is 19');
    expect(lossy.stdout).toContain('books-unbalanced: run ');
  });

  it('takes several trusted keys, and no other than those', async () => {
    const record = await signed();
    const both = await verify(record, '--key', file('others.pem'));
    expect(both.status).toBe(0);
    const path = await write('record.json', record);
    const other = await verifyRunCommand(['--record', path, '--key', file('others.pem')]);
    expect([other.status, other.stdout]).toEqual([1, expect.stringContaining('signer-unknown')]);
  });

  it('holds the record to the audit chain when it is given one', async () => {
    const events = aChain(3);
    const record = await signed({ audit: headOf(events) });
    const check = async (lines: string) => verify(record, '--audit', await write('audit.ndjson', lines));
    expect(await check(asLines(events))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('audit      3 events'),
    });
    const overlapping = [...events.slice(0, 2), ...events.slice(1)];
    expect(await check(asLines(overlapping))).toMatchObject({ status: 0 });
    const [first, second, third] = events;
    const altered = { ...second, facts: { rows: 7 } };
    for (const [bad, code] of [
      [[first ?? {}, altered, third ?? {}], 'altered'],
      [[first ?? {}, altered, second ?? {}, third ?? {}], 'altered'],
      [[first ?? {}, third ?? {}], 'out-of-sequence'],
      [[first ?? {}, second ?? {}], 'head-differs'],
    ] as const) {
      const { status, stdout } = await check(asLines(bad));
      expect([status, stdout]).toEqual([1, expect.stringMatching(new RegExp(`audit-differs: .*${code}`))]);
    }
  });

  it('gives its verdict as JSON when asked', async () => {
    const good = await verify(await signed(), '--json');
    expect(JSON.parse(good.stdout ?? '')).toMatchObject({ valid: true, pipeline: 'orders', problems: [] });
    const bad = await verify({ record: {} }, '--json');
    expect(bad.status).toBe(1);
    expect(JSON.parse(bad.stdout ?? '')).toMatchObject({
      valid: false,
      problems: [{ code: 'record-malformed' }],
    });
  });

  it('is not led astray by what a record says: neither text with control characters nor what cannot be signed', async () => {
    const record = await signed();
    const posing = { ...record, record: { ...record.record, pipeline: 'orders\u001b[2Jvalid\u0007' } };
    const { stdout } = await verify(posing);
    expect(stdout).toContain('orders\\u001b[2Jvalid\\u0007');
    const unsayable = await verify({ ...record, record: { ...record.record, scope: '\ud800' } });
    expect([unsayable.status, unsayable.stdout]).toEqual([1, expect.stringContaining('not-canonical')]);
  });

  it.each([
    ['no record', () => ['--key', file('ours.pem')], '--record and --key are needed'],
    ['no key', () => ['--record', file('ours.pem')], '--record and --key are needed'],
    ['a file that is not there', () => ['--record', file('none'), '--key', file('ours.pem')], '--record: '],
    ['a record that is no JSON', () => ['--record', file('ours.pem'), '--key', file('ours.pem')], 'no JSON'],
    ['a key that is none', () => ['--record', file('r.json'), '--key', file('none.pem')], '--key: '],
    [
      'a chain that is none',
      () => ['--record', file('r.json'), '--key', file('ours.pem'), '--audit', file('r.json')],
      '--audit: line 1',
    ],
    ['an option that is none', () => ['--recrod', 'x'], "Unknown option '--recrod'"],
  ])('refuses %s as bad input', async (_, args, message) => {
    await write('r.json', await signed());
    await write('none.pem', 'not a key');
    const { status, stdout, stderr } = await verifyRunCommand(args());
    expect([status, stdout, stderr]).toEqual([2, undefined, expect.stringContaining(message)]);
  });

  it('explains itself, and runs as a program', async () => {
    const program = new URL('../../../local/commands/verify-run.ts', import.meta.url).pathname;
    const run = (...args: string[]) =>
      promisify(execFile)(process.execPath, [program, ...args], { timeout: 15_000 }).catch((error) => error);
    expect(await run('--help')).toMatchObject({
      stdout: expect.stringContaining('Usage: npm run verify-run'),
    });
    expect(await run()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('are needed') });
    const path = await write('record.json', await signed());
    expect(await run('--record', path, '--key', file('others.pem'))).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('signer-unknown'),
    });
  });
});
