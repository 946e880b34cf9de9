import type { OrderRow } from './order-row.ts';

/** A way in which the shop's records go wrong, and the codes of the reasons they are to be set aside for. */
export interface ExampleFlaw {
  readonly codes: readonly string[];
  /** What arrives in place of the record. */
  spoil(row: OrderRow): unknown;
}

const withCell = (column: keyof OrderRow, value: unknown, code: string): ExampleFlaw => ({
  codes: [code],
  spoil: (row) => ({ ...row, [column]: value }),
});

const without = (column: keyof OrderRow): ExampleFlaw => ({
  codes: ['missing-value'],
  spoil: ({ [column]: _, ...rest }) => rest,
});

/** Used in turn, so that a window of the usual size has each of them. */
export const exampleFlaws: readonly [ExampleFlaw, ...ExampleFlaw[]] = [
  withCell('items', 'three', 'wrong-type'),
  withCell('items', 0, 'below-minimum'),
  withCell('items', 4000, 'above-maximum'),
  withCell('amount', 'free', 'wrong-form'),
  withCell('ordered_at', 'yesterday', 'wrong-form'),
  without('ordered_at'),
  withCell('order_id', 'ORD-12', 'pattern-mismatch'),
  without('order_id'),
  withCell('status', 'lost', 'not-in-enum'),
  withCell('country', 'Atlantis', 'pattern-mismatch'),
  withCell('currency', null, 'missing-value'),
  without('customer_email'),
  {
    codes: ['too-long'],
    spoil: (row) => ({ ...row, customer_name: Array(20).fill(row.customer_name).join(' ') }),
  },
  {
    codes: ['wrong-form', 'not-in-enum'],
    spoil: (row) => ({ ...row, ordered_at: `${row.ordered_at.slice(0, 10)}T25:61:00Z`, status: '' }),
  },
  { codes: ['not-an-object'], spoil: () => 'deleted' },
];
