import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../shared/runtime/clock.ts';
import { readIfPresent, writeWhole } from '../../ca/durable-file.ts';
import type { StackPlan } from '../stack-plan.ts';
import { createMasterKey, type KeyState, type MasterKey, type PlannedKey } from './master-key.ts';

export type KeysPlan = Pick<StackPlan, 'keys' | 'keyAliases'>;

/** The keys of a template, with their material. */
export interface KeyRing {
  /** By key id, key ARN, alias name or alias ARN. */
  find(reference: string): PlannedKey | undefined;
  /** Kept when it returns. */
  changeState(key: PlannedKey, state: KeyState): void;
}

/**
 * Keys in memory, and in `directory` when given: one file each, for its owner alone, found again by the next start.
 * A key that the template no longer has stays there and is not offered.
 */
export function openKeyRing(
  plan: KeysPlan,
  options: { directory: string | undefined; clock: Clock },
): KeyRing {
  const { directory, clock } = options;
  if (directory) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (keyId: string) => directory && join(directory, `${encodeURIComponent(keyId)}.json`);
  const keep = (key: MasterKey): MasterKey => {
    const { keyId, spec, state, material, createdAtMillis } = key;
    const file = fileOf(keyId);
    if (file) writeWhole(file, JSON.stringify({ keyId, spec, state, material, createdAtMillis }));
    return key;
  };
  const load = (keyId: string): MasterKey | undefined => {
    const file = fileOf(keyId);
    const text = file && readIfPresent(file);
    return text ? JSON.parse(text) : undefined;
  };
  const keys = new Map<string, PlannedKey>();
  for (const each of plan.keys) {
    const kept = load(each.keyId);
    const key = kept?.spec === each.spec ? kept : keep(createMasterKey(each, clock.now()));
    keys.set(each.keyId, { ...key, arn: each.arn, description: each.description });
  }
  const aliases = new Map(plan.keyAliases.map(({ name, keyId }) => [name, keyId]));
  return {
    find(reference) {
      const name = reference.startsWith('arn:') ? (reference.split(':')[5] ?? '') : reference;
      const keyId = aliases.get(name) ?? name.replace(/^key\//, '');
      const key = keys.get(keyId);
      const isElsewhere = reference.startsWith('arn:') && placeOf(reference) !== placeOf(key?.arn ?? '');
      return isElsewhere ? undefined : key;
    },
    changeState(key, state) {
      const changed = { ...key, state };
      keep(changed);
      keys.set(key.keyId, changed);
    },
  };
}

/** Partition, service, region and account of an ARN. */
const placeOf = (arn: string): string => arn.split(':').slice(0, 5).join(':');
