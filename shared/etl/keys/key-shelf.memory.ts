import type { DataKeyPurpose } from '../cells/data-keys.ts';
import type { DataKeyRef, KeptDataKey, KeyShelf } from './key-shelf.ts';

const nameOf = ({ pipeline, keyId }: DataKeyRef) => JSON.stringify([pipeline, keyId]);
const slotOf = ({ pipeline, runId, table }: DataKeyPurpose) => JSON.stringify([pipeline, runId, table]);

/** KeyShelf of one process. */
export function createMemoryKeyShelf(): KeyShelf {
  const keys = new Map<string, KeptDataKey>();
  const ofRuns = new Map<string, DataKeyRef>();
  const read = (ref: DataKeyRef) => keys.get(nameOf(ref));
  return {
    async offer(key) {
      const ref = { pipeline: key.purpose.pipeline, keyId: key.keyId };
      const slot = slotOf(key.purpose);
      keys.set(nameOf(ref), key);
      const first = ofRuns.get(slot) ?? ref;
      ofRuns.set(slot, first);
      return read(first) ?? 'erased';
    },
    async keyOfRun(purpose) {
      const ref = ofRuns.get(slotOf(purpose));
      return ref && (read(ref) ?? 'erased');
    },
    find: async (ref) => read(ref),
    async erase(ref) {
      keys.delete(nameOf(ref));
    },
  };
}
