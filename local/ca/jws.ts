import { verify } from 'node:crypto';
import { type AccountKey, signatureAlgorithms } from './jwk.ts';
import { AcmeProblem, malformed } from './problem.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface JwsHeader {
  readonly alg: string;
  readonly url: string;
  readonly nonce: string | undefined;
  readonly kid: string | undefined;
  readonly jwk: unknown;
}

/** A flattened JWS (RFC 7515, 7.2.2), parsed but not yet verified. */
export interface Jws {
  readonly header: JwsHeader;
  readonly payload: Buffer;
  readonly signingInput: string;
  readonly signature: Buffer;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Strict base64url without padding (RFC 7515, 2). @throws AcmeProblem `malformed` */
export function decodeBase64url(value: unknown, what: string): Buffer {
  if (typeof value !== 'string' || !/^[\w-]*$/.test(value)) {
    throw malformed(`${what} must be base64url without padding`);
  }
  return Buffer.from(value, 'base64url');
}

/** @throws AcmeProblem `malformed` */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(`${what} is not JSON`);
  }
}

/** @throws AcmeProblem `malformed` for anything but a flattened JWS with one protected header (RFC 8555, 6.2). */
export function parseJws(value: unknown): Jws {
  if (!isObject(value)) throw malformed('the JWS must be a JSON object');
  if ('signatures' in value) throw malformed('the JWS must carry one signature, in flattened serialization');
  if ('header' in value) throw malformed('the JWS must not have an unprotected header');
  const header = parseJson(decodeBase64url(value.protected, 'protected').toString(), 'the protected header');
  const payload = decodeBase64url(value.payload, 'payload');
  const signature = decodeBase64url(value.signature, 'signature');
  if (signature.length === 0) throw malformed('the JWS is not signed');
  return {
    header: readHeader(header),
    payload,
    signature,
    signingInput: `${value.protected}.${value.payload}`,
  };
}

function readHeader(value: unknown): JwsHeader {
  if (!isObject(value)) throw malformed('the protected header must be a JSON object');
  if ('crit' in value || 'b64' in value)
    throw malformed('the protected header asks for unsupported extensions');
  const { alg, url, nonce, kid, jwk } = value;
  if (typeof alg !== 'string') throw malformed('the protected header lacks "alg"');
  if (typeof url !== 'string') throw malformed('the protected header lacks "url"');
  if (nonce !== undefined && typeof nonce !== 'string') throw malformed('"nonce" must be a string');
  if (kid !== undefined && typeof kid !== 'string') throw malformed('"kid" must be a string');
  if (kid !== undefined && jwk !== undefined) throw malformed('"jwk" and "kid" exclude each other');
  return { alg, url, nonce, kid, jwk };
}

const hashes = { ES256: 'sha256', ES384: 'sha384', RS256: 'sha256' } as const;

/** @throws AcmeProblem `badSignatureAlgorithm`, or `malformed` when the signature is not the key's. */
export function verifySignature(jws: Jws, key: AccountKey): void {
  const { alg } = jws.header;
  if (alg !== key.algorithm) {
    throw new AcmeProblem('badSignatureAlgorithm', `this key signs with ${key.algorithm}, not "${alg}"`, {
      algorithms: signatureAlgorithms,
    });
  }
  const signer = { key: key.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify(hashes[key.algorithm], Buffer.from(jws.signingInput), signer, jws.signature)) {
    throw malformed('the JWS signature does not verify');
  }
}

/** The payload's object; undefined for the empty payload of POST-as-GET. @throws AcmeProblem `malformed` */
export function readPayload(jws: Jws): JsonObject | undefined {
  if (jws.payload.length === 0) return undefined;
  const payload = parseJson(jws.payload.toString(), 'the payload');
  if (!isObject(payload)) throw malformed('the payload must be a JSON object');
  return payload;
}
