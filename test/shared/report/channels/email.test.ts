import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { portOf } from '../../../../local/loopback.ts';
import { type SmtpSink, type SmtpSinkOptions, startSmtpSink } from '../../../../local/smtp-sink.ts';
import { buildMail, emailChannel } from '../../../../shared/report/channels/email.ts';
import { createTestCa, issueSelfSigned, type TestCa, type TestPair } from '../../../support/test-ca.ts';
import { aMessage, failures } from '../a-summary.ts';

const { signal } = new AbortController();
const loopback = { domains: [], addresses: ['127.0.0.1'] };
const password = 'correct-horse-battery';

let ca: TestCa;
let pair: TestPair;
beforeAll(async () => {
  ca = await createTestCa();
  pair = await ca.issue(loopback);
});

let stopping: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stopping.map((stop) => stop()));
  stopping = [];
});

async function aSink(options: Partial<SmtpSinkOptions> = {}): Promise<SmtpSink> {
  const sink = await startSmtpSink({ pair, ...options });
  stopping.push(() => sink.stop());
  return sink;
}

const secretFor = (port: number, changes: Record<string, unknown> = {}) => ({
  host: '127.0.0.1',
  port,
  from: 'certfleet@example.com',
  to: ['ops@example.com'],
  ca: ca.rootPem,
  ...changes,
});

const failureOf = (secret: unknown, message = aMessage(), abort: AbortSignal = signal): Promise<unknown> =>
  emailChannel(secret)
    .report(message, abort)
    .then(
      () => undefined,
      (error) => error,
    );

describe('the email channel', () => {
  test('mails plain text under STARTTLS, by the newest TLS both sides speak', async () => {
    const sink = await aSink();
    await emailChannel(secretFor(sink.port)).report(aMessage(), signal);
    expect(sink.messages).toEqual([
      expect.objectContaining({
        from: 'certfleet@example.com',
        to: ['ops@example.com'],
        subject: 'certfleet: 3 of 5 renewed, 1 failed',
        protocol: 'TLSv1.3',
      }),
    ]);
    const text = sink.messages[0]?.text;
    expect(sink.messages[0]?.headers).toMatchObject({
      'content-type': expect.stringMatching(/^text\/plain/),
      'auto-submitted': 'auto-generated',
    });
    expect(text).toContain('  d.example.com: the CA gave no answer (ca-unreachable)\n');
    expect(text).toContain('next run 2027-01-02 03:00 UTC');
  });

  test('mails with TLS from the first byte on where the secret says so', async () => {
    const sink = await aSink({ tls: 'implicit' });
    await emailChannel(secretFor(sink.port, { secure: true })).report(aMessage(), signal);
    expect(sink.messages).toHaveLength(1);
  });

  test('gives user and password once the connection is secure', async () => {
    const credentials = { user: 'reports', password };
    const sink = await aSink({ credentials });
    await emailChannel(secretFor(sink.port, credentials)).report(aMessage(), signal);
    expect(sink.messages).toHaveLength(1);
    expect(await failureOf(secretFor(sink.port, { ...credentials, password: 'wrong' }))).toMatchObject({
      code: 'smtp-credentials-refused',
      disposition: 'give-up',
      message: expect.stringContaining(`127.0.0.1:${sink.port}`),
    });
  });

  test('mails to the people of the message, and to those of the secret where it names none', async () => {
    const sink = await aSink();
    const channel = emailChannel(secretFor(sink.port));
    const recipients = ['owner@example.com', 'analyst@example.com', 'owner@example.com'];
    await channel.report({ ...aMessage(), recipients }, signal);
    await emailChannel(secretFor(sink.port, { to: undefined })).report(aMessage(), signal);
    expect(sink.messages.map(({ to }) => to)).toEqual([['owner@example.com', 'analyst@example.com']]);
  });

  test('tells a repeated mail by its Message-ID', () => {
    const build = (message = aMessage()) => buildMail(message, 'certfleet@example.com', []).messageId;
    expect(build()).toMatch(/^<[0-9a-f]{32}@example\.com>$/);
    expect(build()).toBe(build());
    expect(build()).not.toBe(build(aMessage({ runId: 'run-2' })));
  });

  test('lets nothing in a subject become a header', async () => {
    const sink = await aSink();
    const subject = 'report\r\nBcc: mallory@example.com\r\n\r\nbody';
    await emailChannel(secretFor(sink.port)).report({ ...aMessage(), subject }, signal);
    const [mail] = sink.messages;
    expect(mail?.headers).not.toHaveProperty('bcc');
    expect(mail?.to).toEqual(['ops@example.com']);
    expect(mail?.subject).toBe('report Bcc: mallory@example.com body');
  });

  test.each([
    'ops@example.com\r\nBcc: mallory@example.com',
    'ops@example.com, mallory@example.com',
    '<ops@example.com> SIZE=1',
    'not an address',
  ])('sends nothing to %j', async (recipient) => {
    const sink = await aSink();
    const message = { ...aMessage(), recipients: [recipient] };
    expect(await failureOf(secretFor(sink.port), message)).toMatchObject({ code: 'smtp-refused' });
    expect(sink.messages).toEqual([]);
  });

  test('keeps lines that begin with a dot, and characters beyond ASCII', async () => {
    const sink = await aSink();
    const reason = `${'long '.repeat(40)}naïve → 東京`;
    const message = { ...aMessage({ failed: failures(1, reason) }), footer: '.\n..last' };
    await emailChannel(secretFor(sink.port)).report(message, signal);
    expect(sink.messages[0]?.text).toContain('naïve → 東京 (ca-unreachable)');
    expect(sink.messages[0]?.text).toMatch(/\n\.\n\.\.last$/);
  });

  describe('sends neither mail nor password to a server', () => {
    const credentials = { user: 'reports', password };
    const untrusted = { code: 'smtp-untrusted', disposition: 'give-up' };
    const refusal = async (options: Partial<SmtpSinkOptions>, changes: Record<string, unknown> = {}) => {
      const sink = await aSink({ credentials, ...options });
      const failure = await failureOf(secretFor(sink.port, { ...credentials, ...changes }));
      expect(sink.messages).toEqual([]);
      return failure;
    };

    test.each(['starttls', 'implicit'] as const)('that nobody vouches for (%s)', async (tls) => {
      const secure = tls === 'implicit';
      const selfSigned = await issueSelfSigned(loopback);
      expect(await refusal({ tls, pair: selfSigned }, { secure })).toMatchObject(untrusted);
      expect(await refusal({ tls }, { secure, ca: undefined })).toMatchObject(untrusted);
    });

    test('whose certificate is for another name', async () => {
      const other = await ca.issue({ domains: ['mail.example.com'], addresses: ['127.0.0.2'] });
      expect(await refusal({ pair: other })).toMatchObject(untrusted);
      expect(await refusal({ pair: other, tls: 'implicit' }, { secure: true })).toMatchObject(untrusted);
    });

    test('whose certificate has expired', async () => {
      const expired = await ca.issue({ ...loopback, notAfter: new Date(Date.now() - 1000) });
      expect(await refusal({ pair: expired })).toMatchObject(untrusted);
    });

    test('that speaks no TLS newer than 1.1', async () => {
      expect(await refusal({ maxVersion: 'TLSv1.1' })).toMatchObject(untrusted);
      expect(await refusal({ maxVersion: 'TLSv1.1', tls: 'implicit' }, { secure: true })).toMatchObject(
        untrusted,
      );
    });

    test('that offers no STARTTLS, or speaks in the clear where TLS is expected', async () => {
      expect(await refusal({ tls: 'none' })).toMatchObject(untrusted);
      expect(await refusal({ tls: 'none' }, { secure: true })).toMatchObject(untrusted);
    });
  });

  test.each([
    ['550 not you', 'smtp-refused', 'give-up'],
    ['451 try later', 'smtp-unavailable', 'retry'],
    ['421 going down', 'smtp-unavailable', 'retry'],
  ])('turns the answer %s into %s', async (answerToMail, code, disposition) => {
    const sink = await aSink({ answerToMail });
    expect(await failureOf(secretFor(sink.port))).toMatchObject({ code, disposition });
  });

  test('says when some of the recipients are refused, and when all are', async () => {
    const sink = await aSink({ refusedRecipients: ['gone@example.com'] });
    const to = (...recipients: string[]) => ({ ...aMessage(), recipients });
    const some = await failureOf(secretFor(sink.port), to('gone@example.com', 'ops@example.com'));
    expect(some).toMatchObject({ code: 'smtp-refused', message: expect.stringContaining('1 of the rec') });
    expect(await failureOf(secretFor(sink.port), to('gone@example.com'))).toMatchObject({
      code: 'smtp-refused',
    });
    expect(sink.messages.map((mail) => mail.to)).toEqual([['ops@example.com']]);
  });

  test('may be tried again where nobody listens, and stops waiting when the caller does', async () => {
    const sink = await startSmtpSink({ pair });
    await sink.stop();
    const unavailable = { code: 'smtp-unavailable', disposition: 'retry' };
    expect(await failureOf(secretFor(sink.port))).toMatchObject(unavailable);

    const caller = new AbortController();
    const mute = createServer((socket) => {
      stopping.push(async () => socket.destroy());
      caller.abort();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    stopping.push(async () => mute.close());
    expect(await failureOf(secretFor(portOf(mute)), aMessage(), caller.signal)).toMatchObject(unavailable);
  });

  test.each([
    [{ host: 'mail.example.com' }, 'port, from'],
    [{ host: 'mail\r\nRCPT', port: 25, from: 'a@example.com' }, 'host'],
    [{ host: 'm', port: 25, from: 'a@example.com\r\nBcc: b@example.com' }, 'from'],
    [{ host: 'm', port: 25, from: 'a@example.com', password }, 'user.password'],
    ['text', 'the whole'],
  ])('names what is wrong in the secret %#, and not what it holds', async (secret, fields) => {
    const failure = await failureOf(secret);
    expect(failure).toMatchObject({ code: 'smtp-settings-invalid', disposition: 'give-up' });
    expect(String(failure)).toContain(`in ${fields};`);
    expect(String(failure)).not.toMatch(/horse|mallory|RCPT|Bcc/);
  });

  test('never says the password, whoever refuses', async () => {
    const credentials = { user: 'reports', password };
    const sinks = [
      await aSink({ credentials: { user: 'reports', password: 'another' } }),
      await aSink({ answerToMail: `550 ${password}` }),
      await aSink({ tls: 'none' }),
    ];
    for (const { port } of sinks) {
      const failure = await failureOf(secretFor(port, credentials));
      expect(failure).toBeInstanceOf(Error);
      const { message, stack, cause } = failure as Error;
      expect(`${message} ${stack} ${String(cause)}`).not.toContain(password);
    }
  });
});
