import { createHash } from 'node:crypto';
import { mapBounded } from '../../runtime/concurrency.ts';
import type { ClientCertificate } from '../connections/tls-peer.ts';
import type { CheckedCertificate, GateProblem } from './gate.ts';
import { judgeClient, subjectOf } from './judge-client.ts';
import type { Revocation } from './revocation.ts';
import type { ClientCertificates } from './vault-client-certificates.ts';

export interface CheckedClients {
  readonly problems: readonly GateProblem[];
  readonly certificates: readonly CheckedCertificate[];
  /** Those that can be presented, by name, even if something else is wrong with them. */
  readonly usable: ReadonlyMap<string, ClientCertificate>;
  /** Those with a problem. */
  readonly failed: ReadonlySet<string>;
}

interface Check {
  readonly clientCertificates: ClientCertificates;
  readonly revocation: Revocation;
  readonly minimumDaysLeft: number;
  readonly now: Date;
  readonly signal: AbortSignal;
}

interface ClientVerdict {
  readonly name: string;
  readonly problems: readonly GateProblem[];
  readonly certificate?: CheckedCertificate | undefined;
  readonly usable?: ClientCertificate | undefined;
}

/** Looks at certificates of our own fleet. @throws the vault's Failure */
export async function checkClients(names: readonly string[], check: Check): Promise<CheckedClients> {
  const verdicts = await mapBounded(names, 4, (name) => checkClient(name, check));
  return {
    problems: verdicts.flatMap(({ problems }) => problems),
    certificates: verdicts.flatMap(({ certificate }) => certificate ?? []),
    usable: new Map(verdicts.flatMap(({ name, usable }) => (usable ? [[name, usable] as const] : []))),
    failed: new Set(verdicts.filter(({ problems }) => problems.length > 0).map(({ name }) => name)),
  };
}

async function checkClient(name: string, check: Check): Promise<ClientVerdict> {
  const subject = subjectOf(name);
  const client = await check.clientCertificates.read(name);
  if (!client) {
    const message = `client certificate ${name}: the vault holds none; add it to the inventory, or have it issued`;
    return { name, problems: [{ code: 'client-certificate-missing', subject, message, renew: name }] };
  }
  const { problems, chain, usable } = judgeClient(client, check);
  const [leaf] = chain;
  const presented = usable ? client : undefined;
  if (problems.length > 0 || !leaf) return { name, problems, usable: presented };
  const answer = await check.revocation({ chain, now: check.now, signal: check.signal });
  if ('why' in answer) {
    const [code, remedy, renew] =
      answer.state === 'revoked'
        ? (['certificate-revoked', 'it is to be renewed', name] as const)
        : (['revocation-unknown', 'it is asked again', undefined] as const);
    const message = `client certificate ${name}: ${answer.why}; ${remedy}`;
    return { name, problems: [{ code, subject, message, ...(renew && { renew }) }], usable: presented };
  }
  const fingerprint = createHash('sha256').update(leaf.raw).digest('hex');
  const certificate = { subject, fingerprint, expiresAt: leaf.validToDate, revocation: answer.state };
  return { name, problems, certificate, usable: presented };
}
