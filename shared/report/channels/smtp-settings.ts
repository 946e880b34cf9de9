import * as z from 'zod';
import { Failure } from '../../runtime/errors.ts';

/** Without line breaks, so that no header can be smuggled in behind it. */
const address = z.email().max(254);

const smtpSettings = z
  .object({
    host: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/),
    port: z.int().min(1).max(65_535),
    user: z.string().min(1).max(256).optional(),
    password: z.string().min(1).max(1024).optional(),
    from: address,
    /** Who gets reports that name nobody. */
    to: z.array(address).max(50).optional(),
    /** TLS from the first byte on (port 465); otherwise STARTTLS is insisted on. */
    secure: z.boolean().default(false),
    /** PEM of the roots to trust instead of Node's own. */
    ca: z.string().startsWith('-----BEGIN CERTIFICATE-----').optional(),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: 'needs both',
    path: ['user', 'password'],
  });

export type SmtpSettings = z.output<typeof smtpSettings>;

/** Names what is wrong, never what it holds. @throws Failure `smtp-settings-invalid` */
export function parseSmtpSettings(secret: unknown): SmtpSettings {
  const { data, error } = smtpSettings.safeParse(secret);
  if (data) return data;
  const fields = [...new Set(error.issues.map(({ path }) => path.slice(0, 2).join('.') || 'the whole'))];
  throw new Failure({
    code: 'smtp-settings-invalid',
    disposition: 'give-up',
    message:
      `the secret of the mail server is not as it should be in ${fields.join(', ')}; ` +
      'it holds {"host", "port", "from"} and may hold {"user", "password", "to", "secure", "ca"}',
  });
}

/** @throws Failure `smtp-refused` */
export function parseRecipients(recipients: readonly string[]): readonly string[] {
  const parsed = z.array(address).max(50).safeParse(recipients);
  if (parsed.success) return [...new Set(parsed.data)];
  throw new Failure({
    code: 'smtp-refused',
    disposition: 'give-up',
    message:
      'a recipient of the report is no mail address, or there are more than 50; correct the definition',
  });
}
