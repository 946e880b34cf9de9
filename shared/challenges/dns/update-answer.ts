import { Failure } from '../../runtime/errors.ts';
import { tsigError } from './tsig.ts';
import { opcode, opcodeOf, rcode, rcodeOf } from './wire.ts';

interface UpdateAnswer {
  readonly answer: Buffer;
  readonly signature: 'valid' | 'unsigned' | 'malformed' | 'rejected';
  /** The error field of the answer's TSIG record; 0 when there is none. */
  readonly tsigError: number;
  readonly place: { server: string; zone: string; fqdn: string; keyName: string };
}

/**
 * What went wrong with an update, if anything. Only a correctly signed NOERROR counts as success; a refusal is
 * believed unsigned, because servers refuse keys they do not know without a signature (RFC 8945, 5.3.2).
 */
export function classifyUpdateAnswer(update: UpdateAnswer): Failure | undefined {
  const { server, zone, fqdn, keyName } = update.place;
  const fail = (code: string, disposition: 'retry' | 'give-up', problem: string) =>
    new Failure({
      code,
      disposition,
      message: `DNS server ${server}, update of TXT ${fqdn} in zone ${zone}: ${problem}`,
    });
  if (opcodeOf(update.answer) !== opcode.update) {
    return fail('challenge-dns-answer-invalid', 'retry', 'the answer is not one to an update');
  }
  switch (rcodeOf(update.answer)) {
    case rcode.noError:
      if (update.signature === 'valid') return undefined;
      return fail('challenge-dns-answer-invalid', 'retry', `the answer's signature is ${update.signature}`);
    case rcode.notAuth:
      return fail(...explainNotAuth(update.tsigError, keyName));
    case rcode.refused:
      return fail(
        'challenge-dns-update-refused',
        'give-up',
        `refused; allow key "${keyName}" to update this zone`,
      );
    case rcode.notZone:
      return fail(
        'challenge-dns-zone-unknown',
        'give-up',
        'the name is outside the zone; check RFC2136_ZONE',
      );
    case rcode.servFail:
      return fail('challenge-dns-server-failed', 'retry', 'the server failed (SERVFAIL)');
    case rcode.formErr:
    case rcode.notImp:
      return fail('challenge-dns-update-refused', 'give-up', 'the server does not take dynamic updates');
    default:
      return fail(
        'challenge-dns-update-refused',
        'give-up',
        `the server answered rcode ${rcodeOf(update.answer)}`,
      );
  }
}

function explainNotAuth(error: number, keyName: string): [string, 'retry' | 'give-up', string] {
  if (error === tsigError.badKey) {
    const problem = `the server does not know TSIG key "${keyName}" with this algorithm, or not for this zone`;
    return ['challenge-dns-key-rejected', 'give-up', problem];
  }
  if (error === tsigError.badSig) {
    return [
      'challenge-dns-key-rejected',
      'give-up',
      `the secret of TSIG key "${keyName}" is not the server's`,
    ];
  }
  if (error === tsigError.badTime) {
    const problem = 'the clocks here and there differ by more than five minutes; synchronise them';
    return ['challenge-dns-clock-skewed', 'retry', problem];
  }
  return [
    'challenge-dns-zone-unknown',
    'give-up',
    'the server is not primary for the zone; set RFC2136_ZONE',
  ];
}
