import type { X509Certificate } from 'node:crypto';

const dayMillis = 86_400_000;

export interface DateProblem {
  readonly code: 'certificate-expired' | 'certificate-not-yet-valid' | 'certificate-expires-soon';
  /** Goes on after the name of whoever shows it. */
  readonly says: string;
}

/** The first of leaf and intermediates whose dates do not hold at `now`, or will not for `minimumDaysLeft` days. */
export function findDateProblem(
  links: readonly X509Certificate[],
  { minimumDaysLeft, now }: { minimumDaysLeft: number; now: Date },
): DateProblem | undefined {
  const problems = links.flatMap((certificate, index): DateProblem[] => {
    const which = index === 0 ? 'certificate' : 'intermediate certificate';
    const { validFromDate: from, validToDate: until } = certificate;
    if (now > until)
      return [{ code: 'certificate-expired', says: `its ${which} expired at ${until.toISOString()}` }];
    if (now < from)
      return [
        { code: 'certificate-not-yet-valid', says: `its ${which} is not valid before ${from.toISOString()}` },
      ];
    const daysLeft = (until.getTime() - now.getTime()) / dayMillis;
    if (daysLeft >= minimumDaysLeft) return [];
    const says = `its ${which} expires at ${until.toISOString()}, and ${minimumDaysLeft} days must be left`;
    return [{ code: 'certificate-expires-soon', says }];
  });
  return problems.find(({ code }) => code !== 'certificate-expires-soon') ?? problems[0];
}
