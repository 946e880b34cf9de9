import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { portOf } from './loopback.ts';
import { readMail, type TakenMail } from './smtp-mail.ts';
import { createSmtpSession, type SmtpRules } from './smtp-session.ts';

const keptMessages = 50;
const idleMillis = 30_000;
const maximumBufferedBytes = 1024 * 1024;

export interface SmtpSinkOptions extends SmtpRules {
  /** PEM, leaf first. */
  readonly pair: { readonly privateKeyPem: string; readonly fullchainPem: string };
  /** `starttls` (RFC 3207) when absent; `implicit`: TLS from the first byte on; `none`: offers no TLS at all. */
  readonly tls?: 'starttls' | 'implicit' | 'none' | undefined;
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
}

export interface SmtpSink {
  readonly port: number;
  /** The mails taken, the newest last; at most 50. */
  readonly messages: readonly TakenMail[];
  stop(): Promise<void>;
}

/** Stands in for a mail server on loopback: takes mail under TLS alone and keeps it. */
export async function startSmtpSink(options: SmtpSinkOptions): Promise<SmtpSink> {
  const { pair, maxVersion } = options;
  const context = createSecureContext({
    key: pair.privateKeyPem,
    cert: pair.fullchainPem,
    ...(maxVersion === 'TLSv1.1' && { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ...(maxVersion && { maxVersion }),
  });
  const messages: TakenMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, { options, context, keep });
  });
  function keep(mail: TakenMail): void {
    messages.push(mail);
    messages.splice(0, messages.length - keptMessages);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    messages,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Service {
  readonly options: SmtpSinkOptions;
  readonly context: SecureContext;
  readonly keep: (mail: TakenMail) => void;
}

function serve(plain: Socket, { options, context, keep }: Service): void {
  const { tls = 'starttls' } = options;
  const session = createSmtpSession({ rules: options, offersTls: tls === 'starttls' });
  plain.setTimeout(idleMillis, () => plain.destroy());
  plain.on('error', () => plain.destroy());

  const secure = () => {
    const socket = new TLSSocket(plain, { isServer: true, secureContext: context });
    socket.on('error', () => plain.destroy());
    socket.once('secure', () => {
      session.secured();
      if (tls === 'implicit') socket.write(session.greeting);
    });
    converse(socket);
  };

  const converse = (socket: Socket) => {
    let buffered = '';
    const take = (chunk: Buffer) => {
      buffered += chunk.toString('latin1');
      if (buffered.length > maximumBufferedBytes) socket.destroy();
      for (let end = buffered.indexOf('\r\n'); end >= 0; end = buffered.indexOf('\r\n')) {
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        const { reply, next, envelope } = session.take(line);
        if (envelope) keep(readMail(envelope, socket instanceof TLSSocket ? socket.getProtocol() : null));
        if (reply) socket.write(reply);
        if (next === 'close') socket.end();
        if (next === 'secure') {
          socket.off('data', take);
          secure();
          return;
        }
      }
    };
    socket.on('data', take);
  };

  if (tls === 'implicit') {
    secure();
  } else {
    plain.write(session.greeting);
    converse(plain);
  }
}
