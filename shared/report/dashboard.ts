import { formatInstant } from './readable-text.ts';

/** One certificate as the dashboard shows it. Everything in it may come from outside and is escaped. */
export interface DashboardRow {
  readonly name: string;
  readonly domains: readonly string[];
  readonly challenge: string;
  /** Absent before the first certificate. */
  readonly notAfter?: Date | undefined;
  readonly nextActionAt: Date;
  /** What an open renewal is doing, and what stopped it last. */
  readonly renewal?: { readonly step: string; readonly problem?: string | undefined } | undefined;
}

export interface DashboardView {
  readonly title: string;
  readonly now: Date;
  readonly rows: readonly DashboardRow[];
  /** Rows left out of a large fleet. */
  readonly moreRows: number;
}

/** Needs no script, no image and no font from anywhere: served with `default-src 'none'; style-src 'unsafe-inline'`. */
const style = `
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2430; }
  h1 { font-size: 1.3rem; } .totals { color: #55606e; }
  table { border-collapse: collapse; width: 100%; } th { text-align: left; color: #55606e; font-weight: 600; }
  th, td { padding: .4rem .6rem; border-bottom: 1px solid #e3e7ec; vertical-align: top; }
  .good { color: #14713d; } .soon { color: #8a5a00; } .bad { color: #b3261e; } small { color: #55606e; display: block; }
`;

const dayMillis = 86_400_000;

/** The page: worst first, so that what needs a person stands at the top. */
export function renderDashboard({ title, now, rows, moreRows }: DashboardView): string {
  const sorted = rows.toSorted(
    (left, right) => urgency(left) - urgency(right) || compare(left.name, right.name),
  );
  const failing = rows.filter(({ renewal }) => renewal?.problem).length;
  const missing = rows.filter(({ notAfter }) => !notAfter).length;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="totals">${rows.length + moreRows} certificates, ${missing} without one yet, ${failing} failing; ${formatInstant(now)}</p>
<table>
<thead><tr><th>Certificate</th><th>Valid</th><th>Renewal</th><th>Looked at next</th></tr></thead>
<tbody>
${sorted.map((row) => renderRow(row, now)).join('\n')}
</tbody>
</table>
${moreRows > 0 ? `<p class="totals">and ${moreRows} more</p>` : ''}
</body>
</html>
`;
}

function renderRow(row: DashboardRow, now: Date): string {
  const { name, domains, challenge, notAfter, nextActionAt, renewal } = row;
  const others = domains.filter((domain) => domain !== name);
  const daysLeft = notAfter && Math.floor((notAfter.getTime() - now.getTime()) / dayMillis);
  const cells = [
    `${escapeHtml(name)}<small>${escapeHtml([challenge, ...others].join(', '))}</small>`,
    daysLeft === undefined ? '<span class="bad">none yet</span>' : renderDays(daysLeft),
    renewal ? renderRenewal(renewal) : '<span class="good">nothing to do</span>',
    formatInstant(nextActionAt),
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

const renderDays = (days: number): string =>
  `<span class="${days < 7 ? 'bad' : days < 14 ? 'soon' : 'good'}">${days < 0 ? 'expired' : `${days} days left`}</span>`;

const renderRenewal = ({ step, problem }: NonNullable<DashboardRow['renewal']>): string =>
  problem
    ? `<span class="bad">${escapeHtml(step)} failed</span><small>${escapeHtml(problem)}</small>`
    : `<span class="soon">${escapeHtml(step)}</span>`;

/** Failing, then without certificate, then by the time left. */
function urgency({ renewal, notAfter }: DashboardRow): number {
  if (renewal?.problem) return 0;
  return notAfter ? notAfter.getTime() : 1;
}

const compare = (left: string, right: string) => (left < right ? -1 : 1);

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
