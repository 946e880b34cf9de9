import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ACCOUNT_ID } from '../intrinsics.ts';
import type { ServiceCall } from './calls/call.ts';
import type { FunctionRole } from './function-roles.ts';
import { decideAccess, listPermissions, type Permission } from './role.ts';

export interface AccessGuard {
  /** The access key a function signs its requests with. */
  accessKeyOf(functionName: string): string;
  /** The function that signed a request; undefined for everyone else, who may do everything. */
  findCaller(request: { url?: string | undefined; headers: IncomingHttpHeaders }): FunctionRole | undefined;
  /** For what Lambda itself does under a function's role. */
  callerFor(functionName: string): FunctionRole | undefined;
  /** Why the caller may not, in AWS's words; undefined when it may. */
  refuse(caller: FunctionRole, call: ServiceCall): string | undefined;
  /** What the functions' roles allow and no call has needed so far. */
  listUnusedPermissions(): Permission[];
}

/** Holds every function to its role, and remembers what of it was needed. */
export function createAccessGuard(options: {
  functions: readonly FunctionRole[];
  onRefused?: ((functionName: string, message: string) => void) | undefined;
}): AccessGuard {
  const { functions, onRefused } = options;
  const callers = new Map(functions.map((each) => [accessKeyOf(each.functionName), each]));
  const used = new Set<string>();

  function judge({ functionName, role }: FunctionRole, call: ServiceCall): string | undefined {
    const user = `User: arn:aws:sts::${ACCOUNT_ID}:assumed-role/${role.name}/${functionName}`;
    if (call.needs === undefined) {
      return `${user} is not authorized to perform: ${call.operation} because the embedded AWS does not know which permissions it takes`;
    }
    const granted: Permission[] = [];
    for (const need of call.needs) {
      const decision = decideAccess(role, need);
      if (decision.outcome === 'denied') {
        return `${user} is not authorized to perform: ${need.action} on resource: ${need.resource} ${decision.reason}`;
      }
      granted.push(decision.by);
    }
    for (const permission of granted) used.add(identify(permission));
    return undefined;
  }

  return {
    accessKeyOf,
    findCaller: (request) => callers.get(signingKeyOf(request)),
    callerFor: (functionName) => callers.get(accessKeyOf(functionName)),
    refuse(caller, call) {
      const refusal = judge(caller, call);
      if (refusal !== undefined) onRefused?.(caller.functionName, `AccessDenied: ${refusal}\n`);
      return refusal;
    },
    listUnusedPermissions: () =>
      functions
        .flatMap(({ role }) => listPermissions(role))
        .filter((permission) => !used.has(identify(permission))),
  };
}

const identify = ({ role, sid, action, resource }: Permission) => [role, sid, action, resource].join('\n');

/** Twenty capitals and digits, as AWS's own. */
const accessKeyOf = (functionName: string): string =>
  `AKLOCAL${createHash('sha256').update(functionName).digest('hex').toUpperCase().slice(0, 13)}`;

/** From SigV4's Authorization header, or from a presigned URL. */
function signingKeyOf({
  url = '',
  headers,
}: {
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}): string {
  const [, signed] = /\bCredential=([^/,\s]+)/.exec(headers.authorization ?? '') ?? [];
  const [, presigned] = /[?&]X-Amz-Credential=([^/&%]+)/i.exec(url) ?? [];
  return signed ?? presigned ?? '';
}
