import { Failure } from '../../runtime/errors.ts';

/** What nodemailer puts into its errors; their messages quote the server and are left behind. */
interface MailError {
  /** Nodemailer's own: `EAUTH`, `ETLS`, `ESOCKET`, … */
  readonly code?: unknown;
  /** Node's, where nodemailer put its own in its place. */
  readonly originalCode?: unknown;
  /** Of the SMTP answer (RFC 5321 section 4.2). */
  readonly responseCode?: unknown;
}

/** Codes of OpenSSL and Node for a peer that cannot be trusted, or that speaks no TLS we speak. */
const distrust =
  /^(CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET|VERIFY|DECODE|DECRYPT)|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_|ERR_SSL_|EPROTO$)/;

/** @returns Failure `smtp-untrusted`, `smtp-credentials-refused`, `smtp-refused` or `smtp-unavailable` */
export function translateMailError(error: unknown, { host, port }: { host: string; port: number }): Failure {
  const { code, originalCode, responseCode } = Object(error) as MailError;
  const place = `the mail server ${host}:${port}`;
  const status = typeof responseCode === 'number' ? responseCode : undefined;
  const isPermanent = status !== undefined && status >= 500 && status < 600 && status !== 503;
  const detail = [originalCode ?? code, status && `status ${status}`].filter(Boolean).join(', ');
  if (typeof originalCode === 'string' && distrust.test(originalCode))
    return giveUp(
      'smtp-untrusted',
      `${place} shows no certificate that can be trusted (${detail}); check \`ca\``,
    );
  if (code === 'ETLS' && isPermanent)
    return giveUp('smtp-untrusted', `${place} offers no STARTTLS (${detail}); use its port for TLS`);
  if (code === 'EAUTH' && (status === undefined || isPermanent))
    return giveUp(
      'smtp-credentials-refused',
      `${place} refused user and password (${detail}); correct the secret`,
    );
  if (isPermanent || (status === undefined && (code === 'EENVELOPE' || code === 'EMESSAGE')))
    return giveUp('smtp-refused', `${place} refused the report (${detail}); check sender and recipients`);
  return new Failure({
    code: 'smtp-unavailable',
    disposition: 'retry',
    message: `${place} did not take the report (${detail || 'no connection'}); check that the network lets it be reached`,
  });
}

// No cause: nodemailer's errors quote the server, which may quote the user.
const giveUp = (code: string, message: string): Failure =>
  new Failure({ code, disposition: 'give-up', message });
