import { expect, test } from 'vitest';
import { tellPeople, throwMissed } from '../../../../shared/etl/report/tell-people.ts';
import type { ReportChannel } from '../../../../shared/report/channels/channel.ts';
import { createMemoryRunStore } from '../../../../shared/report/runs.memory.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';
import { noon } from '../ledger/builders.ts';
import { aHeldReport, aReport } from './a-report.ts';

test('people hear of a run once by every channel, and of the same run again when there is news', async () => {
  const heard: string[] = [];
  let isDown = true;
  const email: ReportChannel = {
    name: 'email',
    async report({ title, recipients }) {
      if (isDown) throw new Failure({ code: 'smtp-unavailable', disposition: 'retry', message: 'no answer' });
      heard.push(`email ${title} to ${recipients?.join(', ')}`);
    },
  };
  const slack: ReportChannel = {
    name: 'slack',
    async report({ title }) {
      heard.push(`slack ${title}`);
    },
  };
  const ports = {
    channels: [email, slack],
    store: createMemoryRunStore(),
    clock: { now: () => noon },
    signal: new AbortController().signal,
  };
  const people = { owner: 'owner@example.com', analyst: 'analyst@example.com' };

  const report = aHeldReport();
  const held = 'certfleet: orders is held: certificate-expires-soon';
  const missed = await tellPeople(ports, report, people);
  expect(() => throwMissed(missed)).toThrow(expect.objectContaining({ code: 'smtp-unavailable' }));
  isDown = false;
  throwMissed(await tellPeople(ports, report, people));
  await tellPeople(ports, report, people);
  expect(heard).toEqual([`slack ${held}`, `email ${held} to owner@example.com`]);

  await tellPeople(ports, { ...aReport(), runId: report.runId }, people);
  expect(heard.slice(2)).toEqual([
    'email certfleet: orders is ready: 90 of 100 records loaded, 3 quarantined to owner@example.com, analyst@example.com',
    'slack certfleet: orders is ready: 90 of 100 records loaded, 3 quarantined',
  ]);
});

test('a channel that refuses for good does not keep a run from being reported', () => {
  const refused = new Failure({ code: 'smtp-credentials-refused', disposition: 'give-up', message: 'wrong' });
  expect(() => throwMissed([{ channel: 'email', result: 'failed', failure: refused }])).not.toThrow();
});
