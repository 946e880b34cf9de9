import type { ReportMessage, ReportSection } from './message.ts';
import { capLines } from './readable-text.ts';

/** The whole message as plain text; of a longer list the first `shownLines` and how many more there are. */
export function formatMessageText(message: ReportMessage, options: { readonly shownLines: number }): string {
  const { title, totals, sections, footer } = message;
  const labelWidth = Math.max(0, ...totals.map(([label]) => label.length)) + 1;
  const section = ({ heading, lines }: ReportSection) =>
    lines.length === 0
      ? []
      : ['', heading, ...capLines(lines, options.shownLines).map((line) => `  ${line}`)];
  return [
    title,
    '',
    ...totals.map(([label, value]) => `  ${label.padEnd(labelWidth)} ${value}`),
    ...sections.flatMap(section),
    '',
    footer,
  ].join('\n');
}
