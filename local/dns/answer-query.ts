import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  type Packet,
  type Question,
} from 'dns-packet';
import { getDomain } from 'tldts';
import { rcode } from '../../shared/challenges/dns/wire.ts';
import type { TxtRecords } from './txt-records.ts';

const ttlSeconds = 1;

/** What this server offers over UDP (DNS flag day 2020): no fragments on any path. */
export const udpPayloadBytes = 1232;

/** The zone a name is said to be in: its registered domain, or the last two labels where there is none. */
const zoneOf = (name: string): string =>
  getDomain(name, { validateHostname: false }) ?? name.split('.').slice(-2).join('.');

/**
 * The answer of a server that is authoritative for every name there is. Every name exists; it has an address
 * on loopback and the TXT values presented, and no CAA record, so that every CA may issue.
 */
export function answerQuery(query: DecodedPacket, records: TxtRecords): Packet {
  const { questions = [], additionals = [] } = query;
  const [question] = questions;
  const opt = additionals.find((record) => record.type === 'OPT');
  const reply = (code: number, answers: Answer[], authorities: Answer[] = []): Packet => ({
    type: 'response',
    id: query.id,
    flags: AUTHORITATIVE_ANSWER | recursionDesired(query) | code,
    questions,
    answers,
    authorities,
    additionals: opt ? [ednsRecord()] : [],
  });
  if (!question || questions.length > 1) return reply(rcode.formErr, []);
  if (question.class !== 'IN' && question.class !== 'ANY') return reply(rcode.refused, []);
  const answers = recordsFor(question, records);
  return reply(rcode.noError, answers, answers.length > 0 ? [] : [soaRecord(zoneOf(question.name))]);
}

const recursionDesired = (query: DecodedPacket) => (query.flags ?? 0) & 0x0100;

function recordsFor({ name, type }: Question, records: TxtRecords): Answer[] {
  const asked = (candidate: string) => String(type) === candidate || String(type) === 'ANY';
  const zone = zoneOf(name.toLowerCase());
  const atApex = name.toLowerCase() === zone;
  // No AAAA: the HTTP and TLS endpoints listen on 127.0.0.1 alone, and a CA would try ::1 first.
  return [
    ...(asked('A') ? [{ type: 'A', name, ttl: ttlSeconds, data: '127.0.0.1' } as const] : []),
    ...(asked('TXT')
      ? records
          .valuesOf(name)
          .map((value) => ({ type: 'TXT', name, ttl: ttlSeconds, data: texts(value) }) as const)
      : []),
    ...(asked('SOA') && atApex ? [soaRecord(zone)] : []),
    ...(asked('NS') && atApex
      ? [{ type: 'NS', name, ttl: ttlSeconds, data: nameServerOf(zone) } as const]
      : []),
  ];
}

const nameServerOf = (zone: string) => (zone === '' || zone === '.' ? 'ns' : `ns.${zone}`);

const soaRecord = (zone: string): Answer => ({
  type: 'SOA',
  name: zone,
  ttl: ttlSeconds,
  data: {
    mname: nameServerOf(zone),
    rname: `hostmaster.${nameServerOf(zone)}`,
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    // Negative answers must not outlive the next update.
    minimum: ttlSeconds,
  },
});

const ednsRecord = (): Answer => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize: udpPayloadBytes,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

/** A value as strings of at most 255 bytes (RFC 1035, 3.3.14). */
function texts(value: string): Buffer[] {
  const bytes = Buffer.from(value);
  const count = Math.max(1, Math.ceil(bytes.length / 255));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 255, (index + 1) * 255));
}
