import { z } from 'zod';
import { columnName } from '../definition/names.ts';
import { findClearColumn, slotOf, type TransformKind } from './transform.ts';

const pattern = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }).describe('Nothing is shown, not even the length'),
  z.strictObject({ kind: z.literal('first'), characters: z.int().min(1).max(8) }),
  z.strictObject({ kind: z.literal('last'), characters: z.int().min(1).max(8) }),
  z.strictObject({ kind: z.literal('email') }).describe('The first character and the domain'),
]);

const schema = z
  .strictObject({ type: z.literal('mask'), column: columnName, show: pattern })
  .describe('Replaces all but a part of a value by stars');

export type MaskPattern = z.output<typeof pattern>;

const stars = '****';

/**
 * Shows what the pattern lets through; the stars are four whatever they hide. What would show more than half of a
 * value shows nothing of it. Characters are code points.
 */
export function maskText(text: string, show: MaskPattern): string {
  if (show.kind === 'all') return stars;
  if (show.kind === 'email') {
    const at = text.lastIndexOf('@');
    return at < 2 ? stars : `${firstOf(text, 1)}${stars}${text.slice(at)}`;
  }
  const characters = [...text];
  if (show.characters * 2 > characters.length) return stars;
  return show.kind === 'first'
    ? characters.slice(0, show.characters).join('') + stars
    : stars + characters.slice(-show.characters).join('');
}

const firstOf = (text: string, count: number): string =>
  [...text.slice(0, count * 2)].slice(0, count).join('');

export const mask: TransformKind<typeof schema> = {
  type: 'mask',
  schema,
  follow({ column: name }, flow, complain) {
    const column = findClearColumn(name, flow, complain);
    if (!column) return;
    if (column.type !== 'string') {
      complain({ code: 'column-type', message: `a ${column.type} is not masked; cast it to string first` });
    }
    flow.change(name, { protection: 'masked' });
  },
  compile({ column, show }, flow) {
    const slot = slotOf(flow, column);
    return (cells) => {
      const cell = cells[slot];
      if (typeof cell === 'string') cells[slot] = maskText(cell, show);
      return undefined;
    };
  },
};
