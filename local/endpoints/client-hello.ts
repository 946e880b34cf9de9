/** What a TLS client asks for before anything is encrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  /** Lower case; absent without the server_name extension (RFC 6066, 3). */
  readonly serverName?: string | undefined;
  /** In the client's order (RFC 7301, 3.1). */
  readonly protocols: readonly string[];
}

const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const protocolsExtension = 16;
const maxHelloBytes = 65_536;

/** Reads a client hello from a connection's first bytes: `incomplete` asks for more, `invalid` is no TLS. */
export function readClientHello(bytes: Buffer): ClientHello | 'incomplete' | 'invalid' {
  try {
    const message = joinRecords(bytes);
    if (typeof message === 'string') return message;
    return parseHello(message.subarray(4));
  } catch (error) {
    if (error instanceof RangeError) return 'invalid';
    throw error;
  }
}

/** The hello message, which may be spread over several records. */
function joinRecords(bytes: Buffer): Buffer | 'incomplete' | 'invalid' {
  let message = Buffer.alloc(0);
  for (let offset = 0; offset + 5 <= bytes.length; ) {
    const end = offset + 5 + bytes.readUInt16BE(offset + 3);
    if (bytes.readUInt8(offset) !== handshakeRecord) return 'invalid';
    message = Buffer.concat([message, bytes.subarray(offset + 5, end)]);
    if (message.length >= 4) {
      const needed = 4 + message.readUIntBE(1, 3);
      if (message.readUInt8(0) !== clientHelloMessage || needed > maxHelloBytes) return 'invalid';
      if (message.length >= needed) return message.subarray(0, needed);
    }
    offset = end;
  }
  if (bytes.length > 0 && bytes.readUInt8(0) !== handshakeRecord) return 'invalid';
  return bytes.length > maxHelloBytes ? 'invalid' : 'incomplete';
}

function parseHello(body: Buffer): ClientHello {
  const afterRandom = 34;
  const afterSession = afterRandom + 1 + body.readUInt8(afterRandom);
  const afterCiphers = afterSession + 2 + body.readUInt16BE(afterSession);
  const afterCompression = afterCiphers + 1 + body.readUInt8(afterCiphers);
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  for (let offset = afterCompression + 2; offset + 4 <= body.length; ) {
    const end = offset + 4 + body.readUInt16BE(offset + 2);
    if (end > body.length) throw new RangeError('an extension is cut short');
    const type = body.readUInt16BE(offset);
    const data = body.subarray(offset + 4, end);
    if (type === serverNameExtension) serverName = readServerName(data);
    if (type === protocolsExtension) protocols = readProtocols(data);
    offset = end;
  }
  return { serverName, protocols };
}

/** The list holds one entry of type host_name in practice; its length prefix and type take five bytes. */
function readServerName(data: Buffer): string {
  const length = data.readUInt16BE(3);
  return data.toString('latin1', 5, 5 + length).toLowerCase();
}

function readProtocols(data: Buffer): readonly string[] {
  const protocols: string[] = [];
  for (let offset = 2; offset < data.length; ) {
    const end = offset + 1 + data.readUInt8(offset);
    protocols.push(data.toString('latin1', offset + 1, end));
    offset = end;
  }
  return protocols;
}
