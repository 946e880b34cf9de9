import { z } from 'zod';
import { addMetadata } from './add-metadata.ts';
import { cast } from './cast.ts';
import type { ColumnFlow } from './column-flow.ts';
import { dedupe } from './dedupe.ts';
import { drop } from './drop.ts';
import { encryptColumn } from './encrypt-column.ts';
import { filter } from './filter.ts';
import { hashPii } from './hash-pii.ts';
import { mask } from './mask.ts';
import { rename } from './rename.ts';
import type { Complain, PlanMaterials, RowStep, TransformKind } from './transform.ts';

/** A step of a pipeline, as definitions write it. */
export const transformSchema = z.discriminatedUnion('type', [
  addMetadata.schema,
  cast.schema,
  dedupe.schema,
  drop.schema,
  encryptColumn.schema,
  filter.schema,
  hashPii.schema,
  mask.schema,
  rename.schema,
]);

export type Transform = z.output<typeof transformSchema>;

interface Registered {
  follow(step: Transform, flow: ColumnFlow, complain: Complain): void;
  compile(step: Transform, flow: ColumnFlow, materials: PlanMaterials): RowStep | undefined;
}

/** Steps are only ever handed to the kind their type names, which is what makes the casts true. */
const register = <Schema extends z.ZodObject>(kind: TransformKind<Schema>): Registered => ({
  follow: (step, flow, complain) => kind.follow(step as unknown as z.output<Schema>, flow, complain),
  compile: (step, flow, materials) => kind.compile(step as unknown as z.output<Schema>, flow, materials),
});

const kinds: Readonly<Record<Transform['type'], Registered>> = {
  add_metadata: register(addMetadata),
  cast: register(cast),
  dedupe: register(dedupe),
  drop: register(drop),
  encrypt_column: register(encryptColumn),
  filter: register(filter),
  hash_pii: register(hashPii),
  mask: register(mask),
  rename: register(rename),
};

/** Checks a step where it stands and moves the columns on. */
export const followTransform = (step: Transform, flow: ColumnFlow, complain: Complain): void =>
  kinds[step.type].follow(step, flow, complain);

/** Makes a step of a checked definition work; undefined where it only moves columns. */
export const compileTransform = (
  step: Transform,
  flow: ColumnFlow,
  materials: PlanMaterials,
): RowStep | undefined => kinds[step.type].compile(step, flow, materials);
