import { type DecodedPacket, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet';
import { signMessage, signRejection, type TsigKey, verifyMessage } from '../../shared/challenges/dns/tsig.ts';
import { headerBytes, isResponse, opcode, opcodeOf, rcode } from '../../shared/challenges/dns/wire.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { answerQuery, udpPayloadBytes } from './answer-query.ts';
import { applyUpdate } from './apply-update.ts';
import type { TxtRecords } from './txt-records.ts';

export interface Responder {
  readonly records: TxtRecords;
  readonly key: TsigKey;
  readonly clock: Clock;
}

/** The answer to one message; undefined for what deserves none (responses, fragments of a header). */
export function respond(message: Buffer, transport: 'udp' | 'tcp', responder: Responder): Buffer | undefined {
  if (message.length < headerBytes || isResponse(message)) return undefined;
  const now = responder.clock.now();
  const verdict = verifyMessage(message, { key: responder.key, now });
  if (verdict.outcome === 'malformed') return bareAnswer(message, rcode.formErr);
  if (verdict.outcome === 'rejected') {
    return signRejection(bareAnswer(message, rcode.notAuth), verdict, { key: responder.key, now });
  }
  const answer = answerTrusted(message, responder, verdict.outcome);
  const limit = transport === 'udp' ? maxUdpBytes(message) : 65_535;
  const sized = answer.length > limit ? truncated(message) : answer;
  if (verdict.outcome === 'unsigned') return sized;
  return signMessage(sized, { key: responder.key, now, requestMac: verdict.mac }).message;
}

function answerTrusted(message: Buffer, responder: Responder, trust: 'valid' | 'unsigned'): Buffer {
  const packet = decodeOrNothing(message);
  if (!packet) return bareAnswer(message, rcode.formErr);
  switch (opcodeOf(message)) {
    case opcode.query:
      return encode(answerQuery(packet, responder.records));
    case opcode.update:
      return bareAnswer(message, trust === 'valid' ? applyUpdate(packet, responder.records) : rcode.refused);
    default:
      return bareAnswer(message, rcode.notImp);
  }
}

function decodeOrNothing(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

/** A header alone, which RFC 2136, 3.8 allows for updates and every client takes for errors. */
function bareAnswer(message: Buffer, code: number): Buffer {
  const answer = Buffer.alloc(headerBytes);
  answer.writeUInt16BE(message.readUInt16BE(0), 0);
  answer.writeUInt16BE(0x8000 | (opcodeOf(message) << 11) | code, 2);
  return answer;
}

function truncated(message: Buffer): Buffer {
  const { id, questions = [] }: Packet = decode(message);
  return encode({ type: 'response', id, flags: TRUNCATED_RESPONSE, questions });
}

function maxUdpBytes(message: Buffer): number {
  const opt = decodeOrNothing(message)?.additionals?.find((record) => record.type === 'OPT');
  return opt?.type === 'OPT' ? Math.min(udpPayloadBytes, Math.max(512, opt.udpPayloadSize)) : 512;
}
