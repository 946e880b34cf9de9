import { Failure } from '../../runtime/errors.ts';
import type { Cell } from '../record.ts';
import type { JsonFrame } from './json-frame.ts';
import { parseStrictly } from './json-strict.ts';
import type { RecordLimits } from './limits.ts';
import { RowFault } from './reading.ts';
import { decodeUtf8 } from './utf8.ts';

/**
 * What stands beside the path to the rows: dropped by the caller, but held to the same rules as a row, because a
 * document that is broken anywhere may be broken everywhere. Throws `json-document-broken`.
 */
export function readBeside(frame: JsonFrame, limits: RecordLimits, atByte: number): Cell {
  if (frame === 'too-long') throw documentBroken('a value beside the rows exceeds rowBytes', atByte);
  const text = decodeUtf8(frame);
  if (text === undefined) throw documentBroken('a value beside the rows is no UTF-8', atByte);
  try {
    return parseStrictly(text, limits);
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    throw documentBroken(`a value beside the rows is refused as ${error.code}`, atByte);
  }
}

/** A JSON document that cannot be read on, because nobody can tell its rows from what surrounds them. */
export function documentBroken(what: string, atByte: number): Failure {
  return new Failure({
    code: 'json-document-broken',
    disposition: 'give-up',
    message: `the JSON document is broken at or before byte ${atByte}: ${what}; have the source send it again`,
  });
}

export function pathMissing(keys: number): Failure {
  return new Failure({
    code: 'json-path-missing',
    disposition: 'give-up',
    message: `no array of rows at the ${keys} keys of the path; correct the path of the source`,
  });
}
