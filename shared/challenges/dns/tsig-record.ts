import { encodeName, encodeRecord, locateLastAdditional, readName, recordClass, recordType } from './wire.ts';

/** The fields of a TSIG record (RFC 8945, 4.2). */
export interface Tsig {
  readonly keyName: string;
  readonly algorithm: string;
  readonly signedAtSeconds: number;
  readonly fudgeSeconds: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly otherData: Buffer;
}

/** The TSIG record and the message as it was before the record was added. */
export function readTsig(message: Buffer): { tsig: Tsig; signedPart: Buffer } | 'unsigned' | 'malformed' {
  try {
    const record = locateLastAdditional(message);
    if (record?.type !== recordType.tsig) return 'unsigned';
    if (record.class !== recordClass.any || record.ttlSeconds !== 0) return 'malformed';
    const tsig = decodeTsig(record.name, record.data);
    const signedPart = Buffer.from(message.subarray(0, record.start));
    signedPart.writeUInt16BE(tsig.originalId, 0);
    signedPart.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
    return { tsig, signedPart };
  } catch (error) {
    if (error instanceof RangeError) return 'malformed';
    throw error;
  }
}

function decodeTsig(keyName: string, data: Buffer): Tsig {
  const { name: algorithm, end } = readName(data, 0);
  const macEnd = end + 10 + data.readUInt16BE(end + 8);
  const otherEnd = macEnd + 6 + data.readUInt16BE(macEnd + 4);
  if (otherEnd !== data.length) throw new RangeError('the TSIG record has the wrong length');
  if (!isPlainName(keyName) || !isPlainName(algorithm)) throw new RangeError('the TSIG record names oddly');
  return {
    keyName: keyName.toLowerCase(),
    algorithm: algorithm.toLowerCase(),
    signedAtSeconds: data.readUIntBE(end, 6),
    fudgeSeconds: data.readUInt16BE(end + 6),
    mac: Buffer.from(data.subarray(end + 10, macEnd)),
    originalId: data.readUInt16BE(macEnd),
    error: data.readUInt16BE(macEnd + 2),
    otherData: Buffer.from(data.subarray(macEnd + 6, otherEnd)),
  };
}

/** Names are written back into answers, so they must be ones that can be written. */
const isPlainName = (name: string) => /^([A-Za-z0-9_-]+(\.|$))*$/.test(name);

/** `message` with the record behind its last one. */
export function appendTsig(message: Buffer, tsig: Tsig): Buffer {
  const data = Buffer.concat([
    encodeName(tsig.algorithm),
    encodeSeconds(tsig.signedAtSeconds),
    encodeShort(tsig.fudgeSeconds),
    encodeShort(tsig.mac.length),
    tsig.mac,
    encodeShort(tsig.originalId),
    encodeShort(tsig.error),
    encodeShort(tsig.otherData.length),
    tsig.otherData,
  ]);
  const record = { name: tsig.keyName, type: recordType.tsig, class: recordClass.any, ttlSeconds: 0, data };
  const signed = Buffer.concat([message, encodeRecord(record)]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return signed;
}

export function encodeShort(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** The 48-bit time of RFC 8945, 4.2. */
export function encodeSeconds(seconds: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(seconds, 0, 6);
  return bytes;
}
