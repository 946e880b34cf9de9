import { Failure } from '../../runtime/errors.ts';
import { largestObjectBytes, type ObjectUpload } from './object-store.ts';

/** @throws Failure `object-too-large` */
export function refuseTooLarge({ key, body }: Pick<ObjectUpload, 'key' | 'body'>): void {
  if (body.length <= largestObjectBytes) return;
  throw new Failure({
    code: 'object-too-large',
    disposition: 'bug',
    message: `the object ${JSON.stringify(key)} has ${body.length} bytes; write at most ${largestObjectBytes} at once`,
  });
}
