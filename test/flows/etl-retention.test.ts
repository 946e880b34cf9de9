import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalStack, startStack } from '../../local/stack.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { type EtlFlow, openEtlFlow } from '../support/etl-flow.ts';

let directory: string;
let stack: LocalStack;
let flow: EtlFlow;
let run: Run;
let log = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-etl-'));
  const pipelineText = await readFile('examples/pipelines/orders.json', 'utf8');
  stack = await startStack({
    dataDir: directory,
    pipelineText,
    orderCount: 1_000,
    onLog: (_name, text) => {
      log += text;
    },
  });
  flow = openEtlFlow(stack);
  const window = stack.pipelineWorld?.window;
  if (!window) throw new Error('the stack has no pipeline');
  const example = JSON.parse(pipelineText);
  await flow.define({
    ...example,
    window: { ...example.window, automatic: false },
    retention: { ...example.retention, loadedDays: 1 },
  });
  await flow.start({ pipeline: 'orders', window });
  run = await flow.settled(flow.slotOf('orders', window), 'reported');
});
afterAll(async () => {
  flow?.stop();
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

const turns = () => flow.versions(flow.buckets.work, 'expiry/orders.json');

describe('the retention of a pipeline, with the roles as they are deployed', () => {
  it('is seen to by the tick, once an hour', async () => {
    expect(await turns()).toEqual([]);
    await flow.tick();
    await vi.waitFor(async () => expect(await turns()).toHaveLength(1), { timeout: 20_000, interval: 200 });
    await flow.tick();
    expect(await flow.call('report-etl', { pipeline: 'orders', expire: run.configHash })).toEqual({
      result: 'seen-to-this-hour',
    });
    expect(await turns()).toHaveLength(1);
    expect(log).not.toContain('objects-denied');
  });

  it('leaves alone what is young, in every bucket', async () => {
    const [turn] = await turns();
    if (turn) await flow.buckets.work.deleteVersion(turn.key, turn.versionId);
    const { quarantine, analytics } = flow.buckets;
    const before = [await flow.versions(quarantine), await flow.versions(analytics)];
    expect(before.map((versions) => versions.length > 0)).toEqual([true, true]);
    expect(await flow.call('report-etl', { pipeline: 'orders', expire: run.configHash })).toEqual({
      expired: { raw: 0, quarantine: 0, loaded: 0 },
    });
    expect([await flow.versions(quarantine), await flow.versions(analytics)]).toEqual(before);
  });
});
