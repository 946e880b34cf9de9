/** What a server takes. */
export interface SmtpRules {
  /** Insisted on before any mail when given (RFC 4954, PLAIN and LOGIN). */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
  /** Recipients to refuse (550). */
  readonly refusedRecipients?: readonly string[] | undefined;
  /** The answer to every MAIL FROM instead of 250: `451 try later`. */
  readonly answerToMail?: string | undefined;
}

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body, with CRLF, dots unstuffed; one character per byte. */
  readonly data: string;
}

export interface SmtpAnswer {
  readonly reply?: string | undefined;
  readonly next?: 'secure' | 'close' | undefined;
  /** A mail that was taken with this line. */
  readonly envelope?: Envelope | undefined;
}

/** The server's side of RFC 5321, a line at a time. */
export function createSmtpSession({ rules, offersTls }: { rules: SmtpRules; offersTls: boolean }) {
  let isSecure = false;
  let isAuthenticated = rules.credentials === undefined;
  let from: string | undefined;
  let to: string[] = [];
  let data: string[] | undefined;
  /** Lines of AUTH LOGIN still awaited. */
  let login: string[] | undefined;

  const reset = () => {
    from = undefined;
    to = [];
    data = undefined;
  };
  const authenticate = (user: string | undefined, password: string | undefined): SmtpAnswer => {
    isAuthenticated = user === rules.credentials?.user && password === rules.credentials?.password;
    return say(isAuthenticated ? '235 welcome' : '535 user or password is wrong');
  };

  function takeLogin(lines: string[], line: string): SmtpAnswer {
    lines.push(decode(line));
    if (lines.length === 1) return say('334 UGFzc3dvcmQ6');
    login = undefined;
    return authenticate(lines[0], lines[1]);
  }

  function takeData(lines: string[], line: string): SmtpAnswer {
    if (line !== '.') {
      lines.push(line.startsWith('.') ? line.slice(1) : line);
      return {};
    }
    const envelope = { from: from ?? '', to, data: lines.join('\r\n') };
    reset();
    return { ...say('250 taken'), envelope };
  }

  const commands: Readonly<Record<string, (argument: string) => SmtpAnswer>> = {
    EHLO: () => say(['250-sink', ...extensions()].join('\r\n')),
    HELO: () => say('250 sink'),
    STARTTLS: () => (offersTls && !isSecure ? { ...say('220 go on'), next: 'secure' } : say('502 not here')),
    AUTH(argument) {
      const [method, initial = ''] = argument.split(' ');
      const [, user, password] = decode(initial).split('\0');
      if (method?.toUpperCase() === 'PLAIN') return authenticate(user, password);
      login = [];
      return say('334 VXNlcm5hbWU6');
    },
    MAIL(argument) {
      if (!isSecure) return say('530 STARTTLS comes first');
      if (!isAuthenticated) return say('530 AUTH comes first');
      if (rules.answerToMail) return say(rules.answerToMail);
      reset();
      from = addressIn(argument);
      return say('250 yes');
    },
    RCPT(argument) {
      const address = addressIn(argument);
      if (from === undefined) return say('503 MAIL comes first');
      if (rules.refusedRecipients?.includes(address)) return say(`550 ${address} is not known here`);
      to.push(address);
      return say('250 yes');
    },
    DATA() {
      if (to.length === 0) return say('503 RCPT comes first');
      data = [];
      return say('354 go on');
    },
    RSET() {
      reset();
      return say('250 yes');
    },
    NOOP: () => say('250 yes'),
    QUIT: () => ({ ...say('221 bye'), next: 'close' }),
  };
  const extensions = () => [
    ...(offersTls && !isSecure ? ['250-STARTTLS'] : []),
    ...(rules.credentials && isSecure ? ['250-AUTH PLAIN LOGIN'] : []),
    '250 8BITMIME',
  ];

  return {
    greeting: '220 sink ESMTP\r\n',
    /** RFC 3207 section 4.2: what was said before the handshake is forgotten. */
    secured() {
      isSecure = true;
      reset();
    },
    take(line: string): SmtpAnswer {
      if (data) return takeData(data, line);
      if (login) return takeLogin(login, line);
      const [verb = '', ...rest] = line.split(' ');
      const command = Object.hasOwn(commands, verb.toUpperCase()) ? commands[verb.toUpperCase()] : undefined;
      return command?.(rest.join(' ')) ?? say('502 not understood');
    },
  };
}

const say = (reply: string): SmtpAnswer => ({ reply: `${reply}\r\n` });
const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
const addressIn = (argument: string): string => /<([^>]*)>/.exec(argument)?.[1] ?? '';
