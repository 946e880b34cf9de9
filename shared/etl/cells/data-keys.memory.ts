import { createSecretKey, hkdfSync } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import {
  type DataKey,
  type DataKeyPurpose,
  type DataKeys,
  describePurpose,
  keyIdOfWrapped,
} from './data-keys.ts';

/**
 * Data keys of one process, for tests and one machine: derived from a master key, nothing stored. What looks like a
 * wrapped key is its number and a proof of its purpose.
 */
export function createMemoryDataKeys(master: Uint8Array): DataKeys {
  const secret = createSecretKey(master);
  const derive = (label: string, number: number, purpose: DataKeyPurpose) =>
    Buffer.from(
      hkdfSync(
        'sha256',
        secret,
        Buffer.alloc(0),
        JSON.stringify([label, number, describePurpose(purpose)]),
        32,
      ),
    );
  let made = 0;
  const build = (number: number, purpose: DataKeyPurpose): DataKey => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(number);
    const wrapped = Buffer.concat([head, derive('proof', number, purpose)]);
    return {
      keyId: keyIdOfWrapped(wrapped),
      wrapped: wrapped.toString('base64'),
      purpose,
      plaintext: derive('key', number, purpose),
    };
  };
  return {
    generate: async (purpose) => build(++made, purpose),
    async open({ wrapped, purpose }) {
      const bytes = Buffer.from(wrapped, 'base64');
      const opened = bytes.length === 36 ? build(bytes.readUInt32BE(0), purpose) : undefined;
      if (opened?.wrapped === wrapped) return opened;
      throw new Failure({
        code: 'data-key-denied',
        disposition: 'give-up',
        message: `the data key is not one of the pipeline ${purpose.pipeline}, table ${purpose.table}, as it was wrapped`,
      });
    },
  };
}
