import type { Answer, DecodedPacket } from 'dns-packet';
import { rcode } from '../../shared/challenges/dns/wire.ts';
import type { TxtRecords } from './txt-records.ts';

/** RFC 2136's class NONE, as dns-packet prints a class it has no name for. */
const classNone = 'UNKNOWN_254';

type Change = (records: TxtRecords) => void;

/**
 * Carries out an RFC 2136 UPDATE of TXT records and answers its rcode: all of its changes, or none. Any name may
 * be a zone. Prerequisites and other record types are not implemented, and said so.
 */
export function applyUpdate(update: DecodedPacket, records: TxtRecords): number {
  const { questions = [], answers: prerequisites = [], authorities: changes = [] } = update;
  const [zone] = questions;
  if (!zone || questions.length > 1 || zone.type !== 'SOA') return rcode.formErr;
  if (prerequisites.length > 0) return rcode.notImp;
  const planned: Change[] = [];
  for (const record of changes) {
    if (!isWithin(record.name, zone.name)) return rcode.notZone;
    const change = planChange(record);
    if (!change) return rcode.refused;
    planned.push(change);
  }
  for (const change of planned) change(records);
  return rcode.noError;
}

const isWithin = (name: string, zone: string) =>
  zone === '.' || `.${name.toLowerCase()}`.endsWith(`.${zone.toLowerCase()}`);

/** RFC 2136, 2.5: add to an RRset, delete an RRset, delete all RRsets of a name, delete one record. */
function planChange(record: Answer): Change | undefined {
  const fqdn = record.name;
  const recordClass = 'class' in record ? String(record.class) : '';
  if (recordClass === 'ANY' && ['TXT', 'ANY'].includes(String(record.type))) {
    return (records) => records.removeAll(fqdn);
  }
  if (record.type !== 'TXT') return undefined;
  const value = textOf(record.data);
  if (recordClass === 'IN') return (records) => records.add({ fqdn, value });
  if (recordClass === classNone) return (records) => records.remove({ fqdn, value });
  return undefined;
}

const textOf = (data: string | Buffer | Array<string | Buffer>): string =>
  Buffer.concat([data].flat().map((text) => Buffer.from(text))).toString();
