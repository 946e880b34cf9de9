import { expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig } from '../../../shared/runtime/config.ts';

const schema = z.object({
  TABLE: z.string(),
  COUNT: z.coerce.number().int().default(3),
  CONTACT: z.email().optional(),
});

it('takes defaults for what is absent or empty', () => {
  expect(parseConfig(schema, { TABLE: 't', CONTACT: '' })).toEqual({ TABLE: 't', COUNT: 3 });
});

it('lists every malformed variable at once', () => {
  expect(() => parseConfig(schema, { COUNT: 'many', CONTACT: 'nobody' })).toThrow(
    /invalid environment: TABLE: .*; COUNT: .*; CONTACT: /,
  );
});
