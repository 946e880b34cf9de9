import * as z from 'zod';

/** Starts revoke-certificate. Closed: what is revoked stays so. */
export const revokeCertificate = z.strictObject({
  name: z.string().min(1).max(253),
  /** RFC 5280, 5.3.1, as far as a subscriber may say. */
  reason: z.enum([
    'unspecified',
    'key-compromise',
    'affiliation-changed',
    'superseded',
    'cessation-of-operation',
    'privilege-withdrawn',
  ]),
  /** Which of the two pairs the vault holds; `previous` is the one a renewal replaced. */
  pair: z.enum(['current', 'previous']).default('current'),
});
