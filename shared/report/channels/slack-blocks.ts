import type { RunSummary } from '../summary.ts';
import { formatFooter, formatTitle, listFailures, listTotals, listWarnings } from '../summary-text.ts';

/** Block Kit's limits, with room to spare below the 50 blocks of a message. */
const maximumHeaderCharacters = 150;
const maximumSectionCharacters = 3000;
const maximumFailureSections = 12;
const maximumWarningSections = 4;

interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
}
interface Markdown {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** True: names and URLs in it stay plain text. */
  readonly verbatim: true;
}
export type SlackBlock =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'section'; readonly text: Markdown }
  | { readonly type: 'section'; readonly fields: readonly Markdown[] }
  | { readonly type: 'context'; readonly elements: readonly Markdown[] };

/** The message for a webhook: a text for notifications, and blocks that hold at most what Slack takes. */
export function buildSlackMessage(summary: RunSummary): { text: string; blocks: readonly SlackBlock[] } {
  const title = formatTitle(summary);
  return {
    text: escapeMarkdown(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, maximumHeaderCharacters) } },
      {
        type: 'section',
        fields: listTotals(summary).map(([label, value]) => markdown(`*${label}*\n${value}`)),
      },
      ...listSections('Failed', listFailures(summary), maximumFailureSections),
      ...listSections('Warnings', listWarnings(summary), maximumWarningSections),
      { type: 'context', elements: [markdown(escapeMarkdown(formatFooter(summary)))] },
    ],
  };
}

/** Slack's three control characters; nothing in a message may mention people or make links. */
const escapeMarkdown = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Lines under a heading in as many sections as needed, and no more than `maximum`. */
function listSections(heading: string, lines: readonly string[], maximum: number): readonly SlackBlock[] {
  if (lines.length === 0) return [];
  const sections: string[] = [`*${heading}*`];
  for (const [index, line] of lines.entries()) {
    const bullet = `• ${escapeMarkdown(line)}`;
    const last = sections.at(-1) ?? '';
    const remainder = `and ${lines.length - index} more`;
    const room = maximumSectionCharacters - (sections.length === maximum ? remainder.length + 1 : 0);
    if (last.length + 1 + bullet.length <= room) {
      sections[sections.length - 1] = `${last}\n${bullet}`;
    } else if (sections.length < maximum) {
      sections.push(bullet);
    } else {
      sections[sections.length - 1] = `${last}\n${remainder}`;
      break;
    }
  }
  return sections.map((text) => ({ type: 'section', text: markdown(text) }));
}

const markdown = (text: string): Markdown => ({ type: 'mrkdwn', text, verbatim: true });
