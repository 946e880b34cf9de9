import { describe, expect, it } from 'vitest';
import { type SlackSink, startSlackSink } from '../../../../local/slack-sink.ts';
import { etlMessage } from '../../../../shared/etl/report/etl-message.ts';
import { slackChannel } from '../../../../shared/report/channels/slack.ts';
import { buildPublication } from '../../../../shared/report/channels/sns.ts';
import { formatMessageText } from '../../../../shared/report/message-text.ts';
import { secondsLater } from '../ledger/builders.ts';
import { aContract } from '../transforms/pipelines.ts';
import { aDedupingPipeline, aFailedReport, aHeldReport, aLoadedRun, aReport } from './a-report.ts';

const people = { owner: 'owner@example.com', analyst: 'analyst@example.com' };
const textOf = (report = aReport()) => formatMessageText(etlMessage(report, people), { shownLines: 100 });

describe('the message of a run', () => {
  it('says what became of the records, over which connections, and with which certificates', () => {
    const report = aReport();
    expect(textOf(report)).toBe(
      [
        'certfleet: orders is ready: 90 of 100 records loaded, 3 quarantined',
        '',
        '  Extracted    100',
        '  Filtered     4',
        '  Quarantined  3',
        '  Duplicates   3',
        '  Transformed  90',
        '  Loaded       90',
        '  Errors       0',
        '  TLS          1 peer, all verified',
        '  Newest       1 min 30 s old',
        '  Took         12.3 s; 7 raw objects erased',
        '',
        'Quality',
        '  duplicates 3 %, found within each chunk; across chunks the destination merges by key',
        '  schema violations 3 %: type-mismatch 2, required 1',
        '  newest record 1 min 30 s old',
        '  no age in 25 %',
        '  no email in 2 %',
        '',
        'Destinations',
        '  s3 clean-data/people: 70 inserted, 15 updated, 5 unchanged',
        '',
        'Connections',
        '  api.shop.example.com: TLSv1.3, TLS_AES_256_GCM_SHA384, verified, expires 2027-02-01 03:00 UTC',
        '',
        'Certificates',
        '  client etl-orders.example.com: expires 2026-12-24 03:00 UTC, not revoked',
        '',
        `run ${report.runId} (schedule) of 2026-11-21 11:00 UTC to 2026-11-21 12:00 UTC; ` +
          `load ${report.loadId.slice(0, 12)}, configuration c0ffeec0ffee, contract 3`,
      ].join('\n'),
    );
  });

  it('says why a run is held, and that a renewal was asked for', () => {
    const message = etlMessage(aHeldReport(), people);
    expect(message).toMatchObject({
      severity: 'warning',
      title: 'certfleet: orders is held: certificate-expires-soon',
      recipients: ['owner@example.com'],
    });
    expect(message.sections[0]).toEqual({
      heading: 'Held for',
      lines: [
        'client etl-orders.example.com: has 3 days left, and 7 are wanted (certificate-expires-soon)' +
          '; renewal of etl-orders.example.com is asked for',
      ],
    });
  });

  it('says where a run failed, by code and class', () => {
    const message = etlMessage(aFailedReport(), people);
    expect(message).toMatchObject({
      severity: 'failure',
      subject: 'certfleet: orders failed in transform: quality-below-threshold',
      attributes: { result: 'failed', errors: 1 },
    });
    expect(textOf(aFailedReport())).toContain(
      'Failed\n  quality-below-threshold (terminal) in transform, 2026-11-21 12:00 UTC\n',
    );
  });

  it('addresses the analyst when the data is ready, and never twice', () => {
    const recipients = (report = aReport(), to: Parameters<typeof etlMessage>[1] = people) =>
      etlMessage(report, to).recipients;
    expect(recipients()).toEqual(['owner@example.com', 'analyst@example.com']);
    expect(recipients(aFailedReport())).toEqual(['owner@example.com']);
    expect(recipients(aReport(), { owner: 'one@example.com', analyst: 'one@example.com' })).toEqual([
      'one@example.com',
    ]);
    expect(recipients(aReport(), { owner: 'one@example.com' })).toEqual(['one@example.com']);
  });

  it('is one report however often it is made, and another when there is news', () => {
    const idOf = (report = aReport()) => etlMessage(report, people).reportId;
    expect(idOf(aReport({ finishedAt: secondsLater(99) }))).toMatch(/\/succeeded$/);
    expect(idOf(aFailedReport(secondsLater(1)))).toMatch(/\/failed\/2026-11-21T12:00:01\.000Z$/);
    expect(idOf(aHeldReport())).toMatch(/\/held\/certificate-expires-soon$/);
  });

  it('warns of thresholds, undeclared PII, unknown columns and unverified peers', () => {
    const report = aReport({
      pipeline: aDedupingPipeline({ quality: { nullRate: { age: { warn: 0.2 } } } }),
      drift: { columns: { nickname: 12 }, others: 3 },
      piiWarnings: [{ column: 'country', kind: 'email', rows: 2, sampled: 50 }],
      connections: [{ host: 'db.example.com', protocol: 'TLSv1.2', cipher: 'X', verified: false }],
    });
    const message = etlMessage(report, people);
    expect(message.severity).toBe('warning');
    expect(message.sections.find(({ heading }) => heading === 'Warnings')?.lines).toEqual([
      'db.example.com was not verified',
      'null-rate of age is 0.25, above 0.2',
      'column country may hold undeclared PII: email in 2 of 50 sampled records',
      'column nickname is not in the contract: 12 records',
      'other columns that are not in the contract: 3 times',
    ]);
    expect(etlMessage(aReport(), people).severity).toBe('information');
  });
});

describe('the message of a very large run', () => {
  const column = { type: 'string', nullable: true, classification: 'internal' };
  const names = Array.from({ length: 1000 }, (_, index) => `${'ü'.repeat(120)}${index}`);
  const columns = Object.fromEntries(names.map((name, at) => [name, { ...column, nullable: at > 0 }]));
  const large = aReport({
    pipeline: aDedupingPipeline({
      contract: aContract({ columns, key: [names[0]] }),
      transforms: [],
      quality: { nullRate: Object.fromEntries(names.map((name) => [name, { warn: 0 }])) },
    }),
    run: aLoadedRun({
      quality: {
        records: 100,
        nulls: Object.fromEntries(names.map((name) => [name, 50])),
        violations: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`code-${index}`, 1])),
        violating: 100,
      },
    }),
    drift: {
      columns: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`c${at}`, 1])),
      others: 1e9,
    },
    connections: Array.from({ length: 5000 }, (_, index) => ({
      host: `${'h'.repeat(200)}${index}.example.com`,
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      verified: false,
    })),
  });

  it('is taken by Slack', async () => {
    const sink: SlackSink = await startSlackSink();
    try {
      await slackChannel(sink.url).report(etlMessage(large, people), new AbortController().signal);
    } finally {
      await sink.stop();
    }
    expect(sink.posts).toHaveLength(1);
    const sections = sink.posts[0]?.blocks.filter(({ type }) => type === 'section') ?? [];
    expect(sections.length).toBeLessThan(45);
    expect(JSON.stringify(sections)).toMatch(/and \d+ more/);
  });

  it('is taken by SNS, with the summary for machines', () => {
    const {
      Subject = '',
      Message = '',
      MessageAttributes = {},
    } = buildPublication(etlMessage(large, people), 'arn');
    const attributes = Object.values(MessageAttributes).map(({ StringValue = '' }) => StringValue);
    expect(Subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(Buffer.byteLength(Message + attributes.join(''))).toBeLessThan(256 * 1024);
    expect(attributes).toHaveLength(10);
    expect(attributes).not.toContain('');
    expect(JSON.parse(MessageAttributes.summary?.StringValue ?? '{}')).toMatchObject({
      pipeline: 'orders',
      loaded: 90,
    });
    expect(MessageAttributes).toMatchObject({
      result: { DataType: 'String', StringValue: 'succeeded' },
      pipeline: { DataType: 'String', StringValue: 'orders' },
      extracted: { DataType: 'Number', StringValue: '100' },
    });
  });
});
