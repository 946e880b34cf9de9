import { formatDuration } from '../shared/report/readable-text.ts';
import type { LocalOptions } from './options.ts';
import type { PassSummary } from './pass-summary.ts';
import type { SlackPost } from './slack-sink.ts';
import type { LocalStack } from './stack.ts';

const shownFailures = 50;

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
  readonly newOrders: number | undefined;
  readonly slackPosts: readonly SlackPost[];
}): string {
  const { certificates, deployed, verified, durationMs, runId } = pass.summary;
  const { total, renewed, skipped, failed } = certificates;
  const post = pass.slackPosts.at(-1);
  const lines = [
    `${failed.length === 0 ? '✔' : '✘'} ${total} certificates in ${formatDuration(durationMs)} (run ${runId})`,
    `  renewed ${renewed.length}, skipped ${skipped.length}, failed ${failed.length}; deployed ${deployed}, verified ${verified}`,
    ...failed.slice(0, shownFailures).map(({ name, error }) => `  ✘ ${name}: ${error}`),
    ...(failed.length > shownFailures ? [`  … and ${failed.length - shownFailures} more`] : []),
    ...(pass.newOrders === undefined ? [] : [`  the embedded CA took ${pass.newOrders} new orders`]),
    ...(post ? [`  Slack would have been told: ${post.text}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** How to look around while the stack goes on. */
export const describeIdle = (stack: LocalStack, dashboardUrl: string): string =>
  [
    `Dashboard: ${dashboardUrl}`,
    'The schedules go on until Ctrl-C. In another shell:',
    `  . ${stack.environmentFile}`,
    '  npx sls invoke -f schedule-renewals -p events/samples/schedule-renewals.json --log',
    `  openssl s_client -connect 127.0.0.1:${stack.neighbourhood.tlsPort} -servername www.example.com </dev/null`,
    '',
  ].join('\n');
