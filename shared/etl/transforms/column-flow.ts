import type { Classification, ColumnType, DataContract } from '../definition/column.ts';
import { pointerTo } from '../definition/json-pointer.ts';

/** How a column's values are kept from readers at this point of the pipeline. */
export type Protection = 'clear' | 'hashed' | 'masked' | 'encrypted';

/** A column on its way through the transforms. */
export interface FlowingColumn {
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly classification: Classification;
  readonly protection: Protection;
  /** Few values are possible, by an enumeration or the type. */
  readonly fewValues: boolean;
  /** Where a row's cells hold it. */
  readonly slot: number;
  /** Where the definition introduced it, as a JSON pointer. */
  readonly pointer: string;
}

/** The columns that exist at one point of a pipeline; transforms are followed one by one through it. */
export class ColumnFlow {
  readonly #columns = new Map<string, FlowingColumn>();
  #slots = 0;
  /** The record's key under its present names. */
  #key: readonly string[] = [];

  /** The columns as they are extracted. */
  static of(contract: DataContract): ColumnFlow {
    const flow = new ColumnFlow();
    for (const [name, { type, nullable, classification, enum: values }] of Object.entries(contract.columns)) {
      const fewValues = values !== undefined || type === 'boolean';
      const pointer = pointerTo('contract', 'columns', name);
      flow.add(name, { type, nullable, classification, protection: 'clear', fewValues, pointer });
    }
    flow.#key = contract.key;
    return flow;
  }

  get columns(): ReadonlyMap<string, FlowingColumn> {
    return this.#columns;
  }

  get key(): readonly string[] {
    return this.#key;
  }

  /** Slots ever given away; dropped columns keep theirs. */
  get slots(): number {
    return this.#slots;
  }

  find(name: string): FlowingColumn | undefined {
    return this.#columns.get(name);
  }

  /** Adds a column behind the others and gives it a slot. */
  add(name: string, column: Omit<FlowingColumn, 'slot'>): number {
    const slot = this.#slots++;
    this.#columns.set(name, { ...column, slot });
    return slot;
  }

  change(name: string, changes: Partial<Omit<FlowingColumn, 'slot'>>): void {
    const column = this.#columns.get(name);
    if (column) this.#columns.set(name, { ...column, ...changes });
  }

  drop(name: string): void {
    this.#columns.delete(name);
  }

  /** Renames a column where it stands, in the key as well. */
  rename(from: string, to: string): void {
    const renamed = [...this.#columns].map(([name, column]) => [name === from ? to : name, column] as const);
    this.#columns.clear();
    for (const [name, column] of renamed) this.#columns.set(name, column);
    this.#key = this.#key.map((name) => (name === from ? to : name));
  }
}
