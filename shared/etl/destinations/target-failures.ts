import { Failure } from '../../runtime/errors.ts';

/** `target-refused-rows` (give-up): names the column at most, never a value. */
export const targetRefusedRows = (column: string, why: string): Failure =>
  new Failure({
    code: 'target-refused-rows',
    disposition: 'give-up',
    message: `the column ${JSON.stringify(column)} ${why}`,
  });

/** `target-busy` (retry): many writers at one place, none of which got through in time. */
export const targetBusy = (place: string): Failure =>
  new Failure({
    code: 'target-busy',
    disposition: 'retry',
    message: `${place} was changed by others again and again; try the chunk again`,
  });
