import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseTsigKey,
  signMessage,
  signRejection,
  type TsigAlgorithm,
  tsigError,
  verifyMessage,
} from '../../../../shared/challenges/dns/tsig.ts';
import { readTsig } from '../../../../shared/challenges/dns/tsig-record.ts';
import { encodeUpdate } from '../../../../shared/challenges/dns/update.ts';

const secret = Buffer.from('a-shared-secret-of-32-bytes-long').toString('base64');
const now = new Date(1_790_000_000_000);
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const aKey = (overrides: { name?: string; algorithm?: TsigAlgorithm; secret?: string } = {}) =>
  parseTsigKey({ name: 'certfleet', algorithm: 'hmac-sha256', secret, ...overrides });

const anUpdate = (id = 0x1234) =>
  encodeUpdate({
    id,
    zone: 'example.com',
    change: {
      verb: 'add',
      record: { fqdn: '_acme-challenge.example.com', value: 'v' },
      ttlSeconds: 60,
    },
  });

/** An update and its response as another implementation signs them with the same key, id and time. */
const foreign: Record<TsigAlgorithm, { request: string; response: string }> = {
  'hmac-sha256': {
    request:
      '123428000001000000010001076578616d706c6503636f6d00000600010f5f61636d652d6368616c6c656e676503777777c00c' +
      '001000010000003c000d0c67666a3958712d76616c75650963657274666c6565740000fa00ff00000000003d0b686d61632d73' +
      '68613235360000006ab13b80012c0020877d3c6a0f086cabe6037304e9e1b70bda16e83c965e70bf3016aece82f9d650123400' +
      '000000',
    response:
      '1234a8000001000000000001076578616d706c6503636f6d00000600010963657274666c6565740000fa00ff00000000003d0b' +
      '686d61632d7368613235360000006ab13b80012c00209f3e766fb559fd1a7df1b5244ab527fe089f2e78a8fd202dee976352a7' +
      '91ea0f123400000000',
  },
  'hmac-sha512': {
    request:
      '123428000001000000010001076578616d706c6503636f6d00000600010f5f61636d652d6368616c6c656e676503777777c00c' +
      '001000010000003c000d0c67666a3958712d76616c75650963657274666c6565740000fa00ff00000000005d0b686d61632d73' +
      '68613531320000006ab13b80012c00407913553be51591d1ea1620d4886d674ddd22daee0911c62adb3647bf41fd91b0c9828c' +
      '97c69ce7b5dc6e321dd63f22c364ceec7c64377024398ad7359e26607e123400000000',
    response:
      '1234a8000001000000000001076578616d706c6503636f6d00000600010963657274666c6565740000fa00ff00000000005d0b' +
      '686d61632d7368613531320000006ab13b80012c0040a9a013d734d6485074d762e1a1cc24f18c891abd58372615c05d4c5f17' +
      '3e3898f43a52ee301823beea1cebaa440f7fa56ef2e6271aa026526c9d680d6beb8170123400000000',
  },
};

describe.each(['hmac-sha256', 'hmac-sha512'] as const)('TSIG with %s', (algorithm) => {
  const key = aKey({ algorithm });
  const request = Buffer.from(foreign[algorithm].request, 'hex');
  const response = Buffer.from(foreign[algorithm].response, 'hex');

  it('accepts what another implementation signed, and the response bound to it', () => {
    const verdict = verifyMessage(request, { key, now });
    if (verdict.outcome !== 'valid') throw new Error(verdict.outcome);
    expect(verifyMessage(response, { key, now, requestMac: verdict.mac }).outcome).toBe('valid');
    expect(verifyMessage(response, { key, now }).outcome).toBe('rejected');
  });

  it('signs byte for byte as the other implementation does', () => {
    const found = readTsig(request);
    if (typeof found === 'string') throw new Error(found);
    expect(signMessage(found.signedPart, { key, now }).message.toString('hex')).toBe(request.toString('hex'));
  });
});

describe('TSIG verification', () => {
  const signed = signMessage(anUpdate(), { key: aKey(), now });

  it('tells an unsigned message from a signed one', () => {
    expect(verifyMessage(anUpdate(), { key: aKey(), now }).outcome).toBe('unsigned');
    expect(verifyMessage(signed.message, { key: aKey(), now }).outcome).toBe('valid');
  });

  it('rejects another key name, another algorithm and another secret, each by its code', () => {
    const errorWith = (key: ReturnType<typeof aKey>) => verifyMessage(signed.message, { key, now });
    expect(errorWith(aKey({ name: 'other' }))).toMatchObject({ error: tsigError.badKey });
    expect(errorWith(aKey({ algorithm: 'hmac-sha512' }))).toMatchObject({ error: tsigError.badKey });
    expect(errorWith(aKey({ secret: 'b3RoZXI=' }))).toMatchObject({ error: tsigError.badSig });
  });

  it('accepts a clock five minutes off and rejects one beyond', () => {
    expect(verifyMessage(signed.message, { key: aKey(), now: later(300) }).outcome).toBe('valid');
    expect(verifyMessage(signed.message, { key: aKey(), now: later(-301) })).toMatchObject({
      error: tsigError.badTime,
    });
  });

  it('takes a message whose id was changed on the way for the one that was signed', () => {
    const forwarded = Buffer.from(signed.message);
    forwarded.writeUInt16BE(0x9999, 0);
    expect(verifyMessage(forwarded, { key: aKey(), now }).outcome).toBe('valid');
  });

  it('never accepts a message with one bit turned outside the id', () => {
    const bits = fc.integer({ min: 16, max: signed.message.length * 8 - 1 });
    fc.assert(
      fc.property(bits, (bit) => {
        const forged = Buffer.from(signed.message);
        forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        // A letter's case carries no meaning in a name, and the MAC covers key and algorithm in lower case.
        fc.pre(readableLower(forged) !== readableLower(signed.message));
        expect(verifyMessage(forged, { key: aKey(), now }).outcome).not.toBe('valid');
      }),
      { numRuns: 1000 },
    );
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 300 }), (bytes) => {
        expect(verifyMessage(Buffer.from(bytes), { key: aKey(), now }).outcome).not.toBe('valid');
      }),
    );
  });
});

const readableLower = (message: Buffer) => message.toString('latin1').toLowerCase();

describe('TSIG rejections', () => {
  const request = signMessage(anUpdate(), { key: aKey(), now }).message;
  const answer = Buffer.from('1234a8090000000000000000', 'hex');

  it('tell a wrong time with a signature and the time here', () => {
    const verdict = verifyMessage(request, { key: aKey(), now: later(900) });
    if (verdict.outcome !== 'rejected') throw new Error(verdict.outcome);
    const rejection = signRejection(answer, verdict, { key: aKey(), now: later(900) });
    expect(verifyMessage(rejection, { key: aKey(), now, requestMac: verdict.tsig.mac }).outcome).toBe(
      'valid',
    );
    const found = readTsig(rejection);
    if (typeof found === 'string') throw new Error(found);
    expect(found.tsig.error).toBe(tsigError.badTime);
    expect(found.tsig.otherData.readUIntBE(0, 6) * 1000).toBe(later(900).getTime());
  });

  it('tell a wrong secret without a signature', () => {
    const key = aKey({ secret: 'b3RoZXI=' });
    const verdict = verifyMessage(request, { key, now });
    if (verdict.outcome !== 'rejected') throw new Error(verdict.outcome);
    expect(readTsig(signRejection(answer, verdict, { key, now }))).toMatchObject({
      tsig: { error: tsigError.badSig, mac: Buffer.alloc(0) },
    });
  });
});

it('refuses a secret that is not base64 without repeating it', () => {
  expect(() => aKey({ secret: 'pass word!' })).toThrow(/TSIG key "certfleet" is not base64/);
  expect(() => aKey({ secret: 'pass word!' })).not.toThrow(/pass word/);
});
