const dayNames = /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)(day)?|^(Tue|Wed|Thu|Sat)/;

/**
 * Seconds to wait by a Retry-After field (RFC 9110 section 10.2.3): a number, or an HTTP-date, which may lie in the
 * past (0). Undefined where the field is absent or unreadable.
 */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // The form without a zone (asctime) would be read as local time.
  if (text.length > 40 || !dayNames.test(text) || !text.endsWith(' GMT')) return undefined;
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) return undefined;
  return Math.max(0, Math.ceil((millis - now.getTime()) / 1000));
}
