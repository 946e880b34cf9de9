import { createHash } from 'node:crypto';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { type Window, windowText } from './window.ts';

/**
 * What a run is about, whoever runs it and however often. A pipeline has one run per scope at a time:
 * - `window`: the records of a time;
 * - `replay`: records that an earlier load put into quarantine, for the `round`-th time.
 */
export type RunScope =
  | ({ readonly kind: 'window' } & Window)
  | {
      readonly kind: 'replay';
      readonly loadId: string;
      readonly round: number;
      /** The scope of the load. */
      readonly of: string;
    };

/** The scope as part of a key; those of windows sort by time. */
export function scopeKey(scope: RunScope): string {
  switch (scope.kind) {
    case 'window':
      return `window/${windowText(scope)}`;
    case 'replay':
      return `replay/${scope.loadId}/${String(scope.round).padStart(6, '0')}`;
  }
}

/**
 * What all runs about a scope share, hexadecimal. It says nothing of the configuration, the destinations among it: a
 * run repeated after a correction must replace what was loaded for the scope, not add to it.
 */
export function loadIdOf(load: { pipeline: string; scope: RunScope }): string {
  return sha256(canonicalJson(['certfleet load 2', load.pipeline, scopeKey(load.scope)]));
}

/**
 * What one destination, by its name, knows a load by, hexadecimal. Two tables of a schema share a ledger there and must
 * not take each other's chunks for their own; and a destination that is added or taken away changes no other's loads.
 */
export function loadIdAt(destination: string, loadId: string): string {
  return sha256(canonicalJson(['certfleet load at 1', destination, loadId]));
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
