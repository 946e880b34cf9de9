import type { Envelope } from './smtp-session.ts';

export interface TakenMail {
  /** Of the envelope. */
  readonly from: string;
  readonly to: readonly string[];
  /** Names in lower case; of a header that comes twice the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string;
  /** The body, decoded. */
  readonly text: string;
  /** `TLSv1.3`; null for a mail that came in the clear. */
  readonly protocol: string | null;
}

/** A mail of one text part, as reports are. */
export function readMail({ from, to, data }: Envelope, protocol: string | null): TakenMail {
  const end = data.indexOf('\r\n\r\n');
  const head = end < 0 ? data : data.slice(0, end);
  const fields = head
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line) => /^([^:]+):\s*(.*)$/.exec(line))
    .map((match) => [(match?.[1] ?? '').toLowerCase(), match?.[2] ?? ''] as const);
  const headers = Object.fromEntries(fields);
  const body = end < 0 ? '' : data.slice(end + 4);
  const text = decodeBody(body, headers['content-transfer-encoding']).replaceAll('\r\n', '\n').trimEnd();
  return { from, to, headers, subject: headers.subject ?? '', text, protocol };
}

/** RFC 2045 section 6; the characters of `body` stand for bytes. */
function decodeBody(body: string, encoding = '7bit'): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable': {
      const bytes = body
        .replaceAll('=\r\n', '')
        .replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      return Buffer.from(bytes, 'latin1').toString('utf8');
    }
    default:
      return Buffer.from(body, 'latin1').toString('utf8');
  }
}
