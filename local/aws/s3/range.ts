import { S3Error } from './s3-error.ts';

/** The first and the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * One range of bytes (RFC 9110, 14.1.2). A header of another form, several ranges among them, asks for the whole.
 * @throws S3Error `InvalidRange` where nothing of it is there
 */
export function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  if (start > end) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable').with({
      'content-range': `bytes */${sizeBytes}`,
    });
  }
  return { start, end };
}
