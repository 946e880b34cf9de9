import { Socket } from 'node:net';
import { Client } from 'pg';
import { Failure } from '../../runtime/errors.ts';
import { addressOf, tlsOptionsFor } from '../connections/tls-options.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import { hostName } from '../definition/names.ts';

export interface PostgresLogin {
  /** The peer as it was checked; never a URL. */
  readonly peer: TlsPeer;
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
  /** As the server lists it among its sessions; cut to 63 characters there. */
  readonly applicationName: string;
}

const controlCharacters = /\p{Cc}/u;

/**
 * A driver that is not connected yet and does nothing but what it is told: no connection string is ever read, the
 * environment (PGSSLMODE, PGHOST, PGOPTIONS, PGPASSWORD, a .pgpass) has no say, and TLS comes before anything else.
 * @throws Failure `postgres-login-malformed`
 */
export function createPostgresClient(login: PostgresLogin): { client: Client; socket: Socket } {
  checkForm(login);
  const socket = dialling(addressOf(login.peer));
  const client = new StrictClient(login, socket);
  // An idle connection that breaks would end the process; who uses it next hears of it.
  client.on('error', () => undefined);
  return { client, socket };
}

/** The startup message (protocol 3.0, 55.7) is a list of texts that end in NUL: one within a text would add to it. */
function checkForm({ peer, database, user }: PostgresLogin): void {
  const wrong = [
    hostName.safeParse(peer.host).success ? '' : 'host',
    Number.isInteger(peer.port) && peer.port > 0 && peer.port < 65_536 ? '' : 'port',
    isPlain(database) ? '' : 'database',
    isPlain(user) ? '' : 'user',
  ].filter(Boolean);
  if (wrong.length === 0) return;
  throw new Failure({
    code: 'postgres-login-malformed',
    disposition: 'give-up',
    message: `a PostgreSQL connection is made of a plain host, port, database and user, never of a URL: correct ${wrong.join(', ')}`,
  });
}

const isPlain = (text: string) => text !== '' && text.length <= 63 && !controlCharacters.test(text);

/** The driver asks for host and port of the certificate; the bytes may go elsewhere. */
function dialling(address: { host: string; port: number }): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = () => connect(address);
  return socket;
}

class StrictClient extends Client {
  readonly #login: PostgresLogin;

  constructor(login: PostgresLogin, socket: Socket) {
    super({
      host: login.peer.host,
      port: login.peer.port,
      user: login.user,
      database: login.database,
      // A function, because the driver takes no password for a reason to look into the environment.
      password: () => login.password ?? refusePassword(login.peer),
      ssl: tlsOptionsFor(login.peer),
      sslnegotiation: 'postgres',
      application_name: login.applicationName,
      client_encoding: 'UTF8',
      keepAlive: true,
      stream: () => socket,
      // Cells arrive as the server writes them; what they mean is decided where the columns are known.
      types: { getTypeParser: () => (text: string) => text },
    });
    this.#login = login;
  }

  /** What the driver says at startup, decided here alone. */
  getStartupConf(): Record<string, string> {
    return {
      user: this.#login.user,
      database: this.#login.database,
      application_name: this.#login.applicationName,
      client_encoding: 'UTF8',
      DateStyle: 'ISO, YMD',
      TimeZone: 'UTC',
    };
  }
}

function refusePassword({ host, port }: TlsPeer): never {
  throw new Failure({
    code: 'postgres-unauthorized',
    disposition: 'give-up',
    message: `PostgreSQL at ${host}:${port} asks for a password, and the pipeline names no passwordSecret`,
  });
}
