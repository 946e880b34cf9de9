import { Failure } from '../../runtime/errors.ts';
import type { DataKey, DataKeyPurpose, DataKeys } from '../cells/data-keys.ts';
import type { DataKeyRef, KeptDataKey, KeyOfRun, KeyShelf, MasterKey } from './key-shelf.ts';

/** `table` is the destination's for cells, `_raw` for raw and staged parts, `_quarantine` for what was set aside. */
export type RunKeyPurpose = DataKeyPurpose & { readonly master: MasterKey };

/** The data keys of runs: each is made once per run and table, and found again by every worker. */
export interface RunKeys {
  /**
   * The one key of this run and table, made when there is none. Workers that ask at the same time get the same.
   * @throws Failure `data-key-erased` (give-up), and those of `DataKeys` and `KeyShelf`
   */
  keyFor(purpose: RunKeyPurpose): Promise<DataKey>;
  /** A key as it is kept, by the name that sealed cells carry; undefined when it never was or was erased. */
  find(ref: DataKeyRef): Promise<KeptDataKey | undefined>;
  /** A kept key in hand. @throws Failure as `keyFor` */
  open(ref: DataKeyRef): Promise<DataKey>;
  /**
   * Destroys a key, and with it everything it sealed (crypto-shredding): see `KeyShelf.erase`. Processes that have it
   * in hand go on with it until they end.
   */
  erase(ref: DataKeyRef): Promise<void>;
}

/** A worker is about few tables; whoever opens many keys asks the key service again. */
const mostInHand = 64;

/** Keys stay in hand, so that the key service is asked once for each. */
export function createRunKeys(parts: {
  readonly shelf: KeyShelf;
  readonly masters: Readonly<Record<MasterKey, DataKeys>>;
}): RunKeys {
  const { shelf, masters } = parts;
  const inHand = new Map<string, Promise<DataKey>>();

  /** One call for everybody who asks meanwhile and after; failures are forgotten. */
  function hold(name: string, obtain: () => Promise<DataKey>): Promise<DataKey> {
    const held = inHand.get(name) ?? obtain();
    inHand.delete(name);
    inHand.set(name, held);
    const [oldest] = inHand.keys();
    if (inHand.size > mostInHand && oldest !== undefined) inHand.delete(oldest);
    held.catch(() => {
      if (inHand.get(name) === held) inHand.delete(name);
    });
    return held;
  }

  const openKept = (kept: KeptDataKey): Promise<DataKey> =>
    hold(nameOf({ pipeline: kept.purpose.pipeline, keyId: kept.keyId }), () =>
      masters[kept.master].open({ keyId: kept.keyId, wrapped: kept.wrapped, purpose: kept.purpose }),
    );

  async function obtain({ master, pipeline, table, runId }: RunKeyPurpose): Promise<DataKey> {
    const purpose = { pipeline, table, runId };
    const kept = requirePresent(await shelf.keyOfRun(purpose), purpose);
    if (kept) return openKept(requireMaster(kept, master));
    const made = await masters[master].generate(purpose);
    const { plaintext: _, ...wrapped } = made;
    const counts = requirePresent(await shelf.offer({ ...wrapped, master }), purpose);
    if (!counts || counts.keyId === made.keyId) return made;
    return openKept(requireMaster(counts, master));
  }

  return {
    keyFor: (purpose) => {
      const { pipeline, table, runId, master } = purpose;
      return hold(JSON.stringify(['run', pipeline, table, runId, master]), () => obtain(purpose));
    },
    find: (ref) => shelf.find(ref),
    async open(ref) {
      const kept = await shelf.find(ref);
      if (kept) return openKept(kept);
      throw erased(`the data key ${ref.keyId} of pipeline ${ref.pipeline}`);
    },
    async erase(ref) {
      await shelf.erase(ref);
      // Those held by their run are not told apart by name; nothing is lost by asking again for all.
      inHand.clear();
    },
  };
}

const nameOf = ({ pipeline, keyId }: DataKeyRef) => JSON.stringify(['key', pipeline, keyId]);

function requirePresent(key: KeyOfRun, { table, runId }: DataKeyPurpose): KeptDataKey | undefined {
  if (key !== 'erased') return key;
  throw erased(`the data key of run ${runId}, table ${table},`);
}

function requireMaster(kept: KeptDataKey, master: MasterKey): KeptDataKey {
  if (kept.master === master) return kept;
  throw new Failure({
    code: 'data-key-of-other-master',
    disposition: 'bug',
    message: `the data key of run ${kept.purpose.runId}, table ${kept.purpose.table} is wrapped by the master for ${kept.master}, not for ${master}`,
  });
}

const erased = (which: string) =>
  new Failure({
    code: 'data-key-erased',
    disposition: 'give-up',
    message: `${which} is not kept: it was erased, and what it sealed with it; load the scope again in a new run`,
  });
