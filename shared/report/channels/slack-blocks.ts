import type { ReportMessage } from '../message.ts';
import { oneLine } from '../readable-text.ts';

/** Block Kit's limits, with room to spare below the 50 blocks of a message. */
const maximumHeaderCharacters = 150;
const maximumSectionCharacters = 3000;
const maximumFields = 10;
const maximumFieldCharacters = 2000;
/** The first section of a message says what matters most. */
const blocksOfFirstSection = 12;
const blocksOfOtherSection = 4;
const blocksOfSections = 32;

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
export function buildSlackMessage(message: ReportMessage): { text: string; blocks: readonly SlackBlock[] } {
  const { title, totals, sections, footer } = message;
  const fields = totals.slice(0, maximumFields).map(([label, value]) => {
    return markdown(cut(`*${escapeMarkdown(label)}*\n${escapeMarkdown(value)}`, maximumFieldCharacters));
  });
  return {
    text: escapeMarkdown(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, maximumHeaderCharacters) } },
      ...(fields.length > 0 ? [{ type: 'section' as const, fields }] : []),
      ...listSections(sections.filter(({ lines }) => lines.length > 0)),
      { type: 'context', elements: [markdown(cut(escapeMarkdown(footer), maximumSectionCharacters))] },
    ],
  };
}

/** Slack's three control characters; nothing in a message may mention people or make links. */
const escapeMarkdown = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const cut = (text: string, maximumCharacters: number): string => text.slice(0, maximumCharacters);

function listSections(sections: ReportMessage['sections']): readonly SlackBlock[] {
  const blocks: SlackBlock[] = [];
  for (const [index, { heading, lines }] of sections.slice(0, blocksOfSections).entries()) {
    const room = blocksOfSections - blocks.length - (sections.length - index - 1);
    const maximum = Math.max(1, Math.min(index === 0 ? blocksOfFirstSection : blocksOfOtherSection, room));
    blocks.push(...listLines(heading, lines, maximum));
  }
  return blocks;
}

/** Lines under a heading in as many sections as needed, and no more than `maximum`. */
function listLines(heading: string, lines: readonly string[], maximum: number): readonly SlackBlock[] {
  const sections: string[] = [`*${escapeMarkdown(oneLine(heading, maximumHeaderCharacters))}*`];
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
