import type { ProblemDocument } from '../problem.ts';
import { validateDns01 } from './dns-01.ts';
import { validateHttp01 } from './http-01.ts';
import { ValidationFailure, type ValidationPorts, type ValidationTarget } from './proof.ts';
import { validateTlsAlpn01 } from './tls-alpn-01.ts';

/** Looks for the proof; the problem to put into the challenge, or undefined when the proof is right. */
export async function validate(
  target: ValidationTarget & { readonly type: 'http-01' | 'dns-01' | 'tls-alpn-01' },
  ports: ValidationPorts,
  signal: AbortSignal,
): Promise<ProblemDocument | undefined> {
  try {
    if (target.type === 'http-01') await validateHttp01(target, ports.httpPort(), signal);
    else if (target.type === 'dns-01') await validateDns01(target, ports.dnsServer(), signal);
    else await validateTlsAlpn01(target, ports.tlsPort(), signal);
    return undefined;
  } catch (error) {
    return describe(error);
  }
}

function describe(error: unknown): ProblemDocument {
  const { type, detail, status } =
    error instanceof ValidationFailure
      ? { type: error.type, detail: error.message, status: error.type === 'unauthorized' ? 403 : 400 }
      : { type: 'serverInternal', detail: `the validation itself failed: ${String(error)}`, status: 500 };
  return { type: `urn:ietf:params:acme:error:${type}`, detail, status };
}
