export const severities = ['information', 'warning', 'failure'] as const;
export type Severity = (typeof severities)[number];

/** Something that people are told about, whatever it is about and however they hear of it. */
export interface ReportMessage {
  readonly runId: string;
  /** What a channel reports once; the run's own id when absent. A run that is told of twice has two. */
  readonly reportId?: string | undefined;
  readonly severity: Severity;
  /** For lists of messages: ASCII, one line. */
  readonly subject: string;
  /** One line. */
  readonly title: string;
  /** Figures in the order people ask for them. */
  readonly totals: readonly (readonly [label: string, value: string])[];
  /** A line holds one thing; a section without lines is left out. */
  readonly sections: readonly ReportSection[];
  readonly footer: string;
  /** The same for machines; left out by a channel where it does not fit. */
  readonly json: unknown;
  /** For filters of subscriptions, next to `runId`: `result` and at most seven others, none of them empty. */
  readonly attributes: Readonly<Record<string, string | number>> & { readonly result: string };
  /** Who is to have it by mail; the channel's own list when absent. */
  readonly recipients?: readonly string[] | undefined;
}

export interface ReportSection {
  readonly heading: string;
  readonly lines: readonly string[];
}

/** What claims are kept under. */
export const reportIdOf = ({ reportId, runId }: ReportMessage): string => reportId ?? runId;
