import { createHash } from 'node:crypto';
import { createTransport, type SMTPTransportOptions } from 'nodemailer';
import { Failure } from '../../runtime/errors.ts';
import { type ReportMessage, reportIdOf } from '../message.ts';
import { formatMessageText } from '../message-text.ts';
import { oneLine } from '../readable-text.ts';
import type { ReportChannel } from './channel.ts';
import { translateMailError } from './email-failure.ts';
import { parseRecipients, parseSmtpSettings, type SmtpSettings } from './smtp-settings.ts';

const timeoutMillis = 30_000;
const connectMillis = 10_000;
const maximumAnswerBytes = 64 * 1024;
const maximumSubjectCharacters = 150;
const shownLines = 200;

/**
 * Mails plain text to the recipients of a message, or to those of the secret; where neither names anybody, nothing
 * is sent. `secret` is what `<prefix>/smtp` holds, and is judged when it is used. Every connection is TLS 1.2 or newer
 * with a verified certificate. Failures: `smtp-unavailable` (retry); `smtp-refused`, `smtp-credentials-refused`,
 * `smtp-untrusted`, `smtp-settings-invalid` (give up).
 */
export function emailChannel(secret: unknown): ReportChannel {
  return {
    name: 'email',
    async report(message, signal) {
      const settings = parseSmtpSettings(secret);
      const recipients = parseRecipients(message.recipients ?? settings.to ?? []);
      if (recipients.length === 0) return;
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]);
      const rejected = await send(settings, buildMail(message, settings.from, recipients), deadline);
      if (rejected > 0) throw recipientsRefused(settings, rejected);
    },
  };
}

/** The same report has the same Message-ID, so that a mail which comes twice can be told by it. */
export function buildMail(message: ReportMessage, from: string, to: readonly string[]) {
  const digest = createHash('sha256').update(reportIdOf(message)).digest('hex').slice(0, 32);
  return {
    from,
    to: [...to],
    subject: oneLine(message.subject, maximumSubjectCharacters),
    text: formatMessageText(message, { shownLines }),
    messageId: `<${digest}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    // RFC 3834: keeps holiday notices from answering.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Answers how many recipients were refused while others were not. */
async function send(
  settings: SmtpSettings,
  mail: ReturnType<typeof buildMail>,
  signal: AbortSignal,
): Promise<number> {
  const transport = createTransport(transportOptions(settings));
  try {
    const { rejected } = await transport.sendMail({ ...mail, signal });
    return rejected.length;
  } catch (error) {
    throw translateMailError(error, settings);
  } finally {
    transport.close();
  }
}

const transportOptions = ({
  host,
  port,
  user,
  password,
  secure,
  ca,
}: SmtpSettings): SMTPTransportOptions => ({
  host,
  port,
  secure,
  requireTLS: !secure,
  tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
  ...(user !== undefined && { auth: { user, pass: password } }),
  connectionTimeout: connectMillis,
  greetingTimeout: connectMillis,
  dnsTimeout: connectMillis,
  socketTimeout: connectMillis,
  maxResponseSize: maximumAnswerBytes,
});

const recipientsRefused = ({ host, port }: SmtpSettings, count: number): Failure =>
  new Failure({
    code: 'smtp-refused',
    disposition: 'give-up',
    message: `the mail server ${host}:${port} refused ${count} of the recipients; check their addresses`,
  });
