import { createHash, createSecretKey } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import type { SecretStore } from '../../runtime/secrets.ts';
import type { PseudonymKey } from '../transforms/transform.ts';

const keyBytes = 32;

const kept = z.strictObject({
  version: z.int().min(1),
  key: z.base64().transform((text) => Buffer.from(text, 'base64')),
});

/**
 * The key of pseudonyms, kept as {"version": 1, "key": base64} of 32 bytes or more. Where there is none it is made;
 * of many who make one, the first to be kept counts for all. To change it, put a new key under the next version.
 * `random` must be the system's.
 * @throws Failure `pseudonym-key-malformed`, never quoting it; `vault-unavailable`
 */
export async function readPseudonymKey(
  secrets: SecretStore,
  name: string,
  random: Random,
): Promise<PseudonymKey> {
  const found = await secrets.read(name);
  if (found !== undefined) return parse(found, name);
  const bytes = Buffer.from(Array.from({ length: keyBytes }, () => Math.floor(random() * 256)));
  const value = { version: 1, key: bytes.toString('base64') };
  // One version id for whatever key is offered first: another value under it is refused.
  const versionId = createHash('sha256').update(`pseudonym key 1\n${name}`).digest('hex');
  if ((await secrets.create({ name, versionId, value })) === 'created') return parse(value, name);
  const first = await secrets.read(name);
  if (first !== undefined) return parse(first, name);
  throw new Failure({
    code: 'vault-unavailable',
    disposition: 'retry',
    message: `secret ${name} exists and cannot be read back yet`,
  });
}

function parse(value: unknown, name: string): PseudonymKey {
  const read = kept.safeParse(value);
  if (read.success && read.data.key.length >= keyBytes)
    return { version: read.data.version, key: createSecretKey(read.data.key) };
  throw new Failure({
    code: 'pseudonym-key-malformed',
    disposition: 'give-up',
    message: `secret ${name} is not {"version": a whole number from 1, "key": base64 of ${keyBytes} bytes or more}; correct it or restore its earlier version`,
  });
}
