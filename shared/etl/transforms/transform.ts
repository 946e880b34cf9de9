import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';
import { Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import type { DataKey } from '../cells/data-keys.ts';
import { pointerTo } from '../definition/json-pointer.ts';
import type { Cell, QuarantineReason } from '../record.ts';
import type { ColumnFlow, FlowingColumn } from './column-flow.ts';
import type { SeenKeys } from './seen-keys.ts';

/** The key pseudonyms are made with. A new version makes other pseudonyms: joins with the old ones end there. */
export interface PseudonymKey {
  /** Stands before every pseudonym: h<version>:… */
  readonly version: number;
  /** 32 bytes or more. */
  readonly key: KeyObject;
}

/** What one run adds to a definition. */
export interface PlanMaterials {
  readonly run: {
    readonly runId: string;
    readonly startedAt: Date;
    /** Of the definition, as people know it. */
    readonly version: string;
    /** Where the records come from, for lineage; no credentials. */
    readonly source: string;
  };
  /** Needed by hash_pii. */
  readonly pseudonymKey?: PseudonymKey | undefined;
  /** Needed by encrypt_column and by unknownColumns evolve; one per run and table. */
  readonly dataKey?: DataKey | undefined;
  /** The system's, for IVs and fingerprints. */
  readonly random: Random;
}

/** What became of a row in a step; undefined when it goes on. */
export type RowVerdict = undefined | 'filtered' | 'duplicate' | QuarantineReason;

/** Works on a row's cells in place. */
export type RowStep = (cells: Cell[], seen: SeenKeys) => RowVerdict;

/** Says what is wrong with a step; `path` is relative to it. */
export type Complain = (problem: {
  readonly code: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly severity?: 'error' | 'warning';
}) => void;

/**
 * One kind of transform. `follow` is the deploy-time check and moves the columns on; `compile` is asked with the
 * columns as they stand before the step, of definitions without complaints only.
 */
export interface TransformKind<Schema extends z.ZodObject> {
  readonly type: string;
  readonly schema: Schema;
  follow(step: z.output<Schema>, flow: ColumnFlow, complain: Complain): void;
  compile(step: z.output<Schema>, flow: ColumnFlow, materials: PlanMaterials): RowStep | undefined;
}

/** The column a step names, in clear; complains and gives undefined otherwise. */
export function findClearColumn(
  name: string,
  flow: ColumnFlow,
  complain: Complain,
): FlowingColumn | undefined {
  const column = findColumn(name, flow, complain);
  if (!column || column.protection === 'clear') return column;
  complain({
    code: 'column-not-clear',
    message: `the column ${JSON.stringify(name)} is ${column.protection} here and cannot be worked on`,
    path: ['column'],
  });
  return undefined;
}

/** The column a step names; complains when there is none at this point. */
export function findColumn(name: string, flow: ColumnFlow, complain: Complain): FlowingColumn | undefined {
  const column = flow.find(name);
  if (!column) {
    complain({
      code: 'column-unknown',
      message: `there is no column ${JSON.stringify(name)} at this point`,
      path: ['column'],
    });
  }
  return column;
}

/** The slot of a column that a checked definition names. */
export function slotOf(flow: ColumnFlow, name: string): number {
  const column = flow.find(name);
  if (column) return column.slot;
  throw new Failure({
    code: 'unchecked-pipeline',
    disposition: 'bug',
    message: `the column ${JSON.stringify(name)} is not there; only checked definitions can be compiled`,
  });
}

/** A key the plan cannot do without. @throws Failure `pipeline-key-missing` */
export function requireKey<Key>(key: Key | undefined, purpose: string): Key {
  if (key !== undefined) return key;
  throw new Failure({
    code: 'pipeline-key-missing',
    disposition: 'give-up',
    message: `the pipeline ${purpose} and was given no key for it`,
  });
}

/** A value-free reason for one column. */
export const reasonFor = (column: string, code: string, message: string): QuarantineReason => ({
  code,
  stage: 'transform',
  path: pointerTo(column),
  message,
});
