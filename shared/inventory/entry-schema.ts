import * as z from 'zod';
import { challengeTypes, keyTypes } from '../certificates/certificate.ts';
import { readAuthority } from './authority-name.ts';
import { parseEndpoint } from './endpoint.ts';
import { parseIdentifier } from './identifier.ts';
import { quote } from './problems.ts';

/** Longer than any public certificate lives is certainly a slip of the pen. */
const maximumRenewDaysBefore = 365;
const maximumEndpoints = 100;

const identifier = z.string().transform((text, context) => {
  const verdict = parseIdentifier(text);
  if (verdict.ok) return verdict.domain;
  context.addIssue({ code: 'custom', message: `${quote(text)}: ${verdict.reason}` });
  return z.NEVER;
});

const endpoint = z.string().transform((text, context) => {
  const verdict = parseEndpoint(text);
  if (verdict.ok) return verdict.endpoint;
  context.addIssue({ code: 'custom', message: `${quote(text)}: ${verdict.reason}` });
  return z.NEVER;
});

const matching = (pattern: RegExp, rule: string) =>
  z.string().superRefine((text, context) => {
    if (!pattern.test(text)) context.addIssue({ code: 'custom', message: `${quote(text)}: ${rule}` });
  });

const dnsPlugin = matching(
  /^[a-z0-9-]{1,63}$/,
  'a plugin name has 1 to 63 lower-case letters, digits, hyphens',
);

// It becomes part of paths and secret names: one path segment, the same on file systems that fold case.
const certificateName = matching(
  /^(?=.{1,200}$)(?:\*\.)?[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*$/,
  'a name has up to 200 lower-case letters, digits, dots, hyphens and underscores',
);

const authority = z.string().transform((text, context) => {
  const verdict = readAuthority(text);
  if (verdict.ok) return verdict.ca;
  context.addIssue({ code: 'custom', message: verdict.message });
  return z.NEVER;
});

const profile = matching(
  /^[\x21-\x7e]{1,64}$/,
  'a profile has 1 to 64 letters, digits and signs, as the CA lists them',
);

const commonName = matching(
  /^(?=.{1,64}$)[^\p{C}\s]+(?: [^\p{C}\s]+)*$/u,
  'a chain is preferred by the common name of its root or issuer, up to 64 characters',
);

const directory = matching(
  /^(?=.{1,1024}$)\/(?!(?:.*\/)?\.\.(?:\/|$))[^\p{C}]*$/u,
  'a directory is an absolute path of at most 1024 characters without ".."',
);

const programArgument = matching(/^[^\0]+$/s, 'an argument is not empty and holds no NUL');

const fileTarget = z.strictObject({
  type: z.literal('file'),
  directory: directory.optional(),
  reload_command: z.array(programArgument).min(1).optional(),
});

/** One element of the inventory, field by field; what concerns several fields is in entry-rules. */
export const entrySchema = z.strictObject({
  domain: identifier,
  sans: z.array(identifier).optional(),
  challenge: z.enum(challengeTypes).optional(),
  dns_plugin: dnsPlugin.optional(),
  name: certificateName.optional(),
  key_type: z.enum(keyTypes).optional(),
  renew_days_before: z.int().min(1).max(maximumRenewDaysBefore).optional(),
  ca: authority.optional(),
  profile: profile.optional(),
  preferred_chain: commonName.optional(),
  split_failing_names: z.boolean().optional(),
  endpoints: z.array(endpoint).max(maximumEndpoints).optional(),
  deploy: z.array(z.discriminatedUnion('type', [fileTarget])).optional(),
});

export type ParsedEntry = z.output<typeof entrySchema>;

/** The fields that may stand at `path` inside an entry: the entry's own, or those of a deploy target. */
export const fieldsAt = (path: readonly PropertyKey[]): readonly string[] =>
  Object.keys(path[0] === 'deploy' ? fileTarget.shape : entrySchema.shape);
