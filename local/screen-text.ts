import type { EtlSummary } from '../shared/etl/report/etl-summary.ts';
import { countOf, formatDuration, oneLine } from '../shared/report/readable-text.ts';
import type { LocalOptions } from './options.ts';
import type { PassSummary } from './pass-summary.ts';
import type { SlackPost } from './slack-sink.ts';
import type { LocalStack } from './stack.ts';

const shownFailures = 50;
const shownPosts = 3;

/** What runs where, before the pass begins. */
export function describeStart(stack: LocalStack, options: LocalOptions): string {
  const { ports, outages } = stack.neighbourhood;
  const lines = [
    `certfleet on this machine: ${options.domains}`,
    `  CA         ${stack.directoryUrl}${stack.ca ? ' (embedded, for tests only)' : ''}`,
    `  challenges http-01 on port ${ports.http}, tls-alpn-01 on ${ports.tls}, DNS on ${ports.dns}`,
    '  DNS        the embedded server takes RFC 2136 updates for every dns_plugin of the inventory',
    ...[...outages].map(([type, reason]) => `  WARNING    ${type} cannot be answered: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function describePass(pass: {
  readonly summary: PassSummary;
  /** The name of the pipeline that was to be run. */
  readonly pipeline: string | undefined;
  readonly newOrders: number | undefined;
  readonly slackPosts: readonly SlackPost[];
}): string {
  const { certificates, deployed, verified, durationMs, runId, etl } = pass.summary;
  const { total, renewed, skipped, failed } = certificates;
  const isWhole = failed.length === 0 && (pass.pipeline === undefined || etl?.status === 'succeeded');
  const what = [countOf(total, 'certificate'), ...(pass.pipeline ? [`pipeline ${pass.pipeline}`] : [])];
  const lines = [
    `${isWhole ? '✔' : '✘'} ${what.join(' and ')} in ${formatDuration(durationMs)} (run ${runId})`,
    `  renewed ${renewed.length}, skipped ${skipped.length}, failed ${failed.length}; deployed ${deployed}, verified ${verified}`,
    ...failed.slice(0, shownFailures).map(({ name, error }) => `  ✘ ${name}: ${error}`),
    ...(failed.length > shownFailures ? [`  … and ${failed.length - shownFailures} more`] : []),
    ...(pass.newOrders === undefined
      ? []
      : [`  the embedded CA took ${countOf(pass.newOrders, 'new order')}`]),
    ...(pass.pipeline ? describePipeline(pass.pipeline, etl) : []),
    ...pass.slackPosts.slice(-shownPosts).map(({ text }) => `  Slack would have been told: ${oneLine(text)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function describePipeline(name: string, etl: EtlSummary | null): readonly string[] {
  if (!etl) return [`  pipeline ${name}: no result`];
  const { status, extracted, loaded, filtered, quarantined, duplicates, connections, quality } = etl;
  const peers = connections.map(
    ({ host, protocol, verified }) => `${host} ${protocol}${verified ? '' : ' NOT verified'}`,
  );
  return [
    `  pipeline ${name} ${status}: ${extracted} extracted, ${loaded} loaded, ${filtered} filtered, ` +
      `${quarantined} in quarantine, ${countOf(duplicates, 'duplicate')}`,
    ...(peers.length > 0 ? [`    TLS: ${peers.join(', ')}`] : []),
    ...quality.findings
      .slice(0, shownFailures)
      .map(({ action, message }) => `    ${action}: ${oneLine(message)}`),
  ];
}

/** How to look around while the stack goes on. */
export const describeIdle = (stack: LocalStack, dashboardUrl: string): string =>
  [
    `Dashboard: ${dashboardUrl}`,
    'The schedules go on until Ctrl-C. In another shell:',
    `  . ${stack.environmentFile}`,
    '  npx sls invoke -f schedule-renewals -p events/samples/schedule-renewals.json --log',
    ...(stack.pipelineWorld ? [startPipeline(stack.pipelineWorld.pipeline.name)] : []),
    `  openssl s_client -connect 127.0.0.1:${stack.neighbourhood.tlsPort} -servername www.example.com </dev/null`,
    '',
  ].join('\n');

/** Pipelines' names need no quoting. */
const startPipeline = (pipeline: string): string =>
  `  npx sls invoke -f start-etl -d '{"pipeline":"${pipeline}","dryRun":true}' --log`;
