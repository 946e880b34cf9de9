import type { TxtRecord } from './provider.ts';
import { encodeName, encodeRecord, encodeTxt, headerBytes, opcode, recordClass, recordType } from './wire.ts';

export interface TxtChange {
  readonly verb: 'add' | 'remove';
  readonly record: TxtRecord;
  readonly ttlSeconds: number;
}

/**
 * An unsigned RFC 2136 UPDATE that adds or deletes one TXT value. Adding to an RRset keeps its other values
 * (2.5.1), and class NONE deletes the named value alone (2.5.4), so concurrent changes do not meet.
 */
export function encodeUpdate(update: { id: number; zone: string; change: TxtChange }): Buffer {
  const { verb, record, ttlSeconds } = update.change;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(update.id, 0);
  header.writeUInt16BE(opcode.update << 11, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1, 8);
  const zoneType = Buffer.alloc(4);
  zoneType.writeUInt16BE(recordType.soa, 0);
  zoneType.writeUInt16BE(recordClass.in, 2);
  const changed = encodeRecord({
    name: record.fqdn,
    type: recordType.txt,
    class: verb === 'add' ? recordClass.in : recordClass.none,
    ttlSeconds: verb === 'add' ? ttlSeconds : 0,
    data: encodeTxt(record.value),
  });
  return Buffer.concat([header, encodeName(update.zone), zoneType, changed]);
}
