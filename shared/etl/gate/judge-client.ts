import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { ClientCertificate } from '../connections/tls-peer.ts';
import type { GateProblem } from './gate.ts';
import { findDateProblem } from './judge-dates.ts';
import { findWeakness } from './key-strength.ts';
import { readCertificates } from './trust-path.ts';

/** What Node calls a key's usage is the extended one (RFC 5280, 4.2.1.12): clientAuth and any. */
const clientUsages = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

export interface ClientJudgement {
  readonly problems: readonly GateProblem[];
  /** The leaf first; empty where it cannot be read. */
  readonly chain: readonly X509Certificate[];
  /** Whether the pair can be presented at all. */
  readonly usable: boolean;
}

/** A certificate of the fleet as a client's: its dates, its key, its strength, and whether it is for clients. */
export function judgeClient(
  client: ClientCertificate,
  needs: { readonly minimumDaysLeft: number; readonly now: Date },
): ClientJudgement {
  const problem = (code: string, says: string): GateProblem => ({
    code,
    subject: subjectOf(client.name),
    message: `client certificate ${client.name}: ${says}`,
  });
  const renewable = (code: string, says: string) => ({ ...problem(code, says), renew: client.name });
  const chain = readChain(client.certificatePem);
  const [leaf] = chain;
  if (!leaf) {
    const says = 'the vault holds no certificate that can be read; renew it';
    return { problems: [renewable('client-certificate-missing', says)], chain, usable: false };
  }
  const problems: GateProblem[] = [];
  const keyFits = hasKey(leaf, client.privateKeyPem);
  if (!keyFits)
    problems.push(
      renewable('certificate-key-mismatch', 'the private key in the vault is another one; renew it'),
    );
  const date = findDateProblem(chain, needs);
  if (date?.code === 'certificate-not-yet-valid')
    problems.push(problem(date.code, `${date.says}; check the clocks`));
  else if (date) problems.push(renewable(date.code, `${date.says}; it is to be renewed`));
  const weak = chain.map(findWeakness).find((weakness) => weakness !== undefined);
  if (weak)
    problems.push(problem('certificate-weak-key', `its chain has ${weak}; choose a stronger \`keyType\``));
  // Without the extension a key is for everything. @types/node has it always there, Node has not.
  const usages: readonly string[] | undefined = leaf.keyUsage;
  if (usages && !usages.some((usage) => clientUsages.includes(usage))) {
    const says =
      'it is for servers alone (no clientAuth); have it issued by a CA or a profile that is for clients';
    problems.push(problem('certificate-wrong-usage', says));
  }
  // OpenSSL takes no weak one.
  return { problems, chain, usable: keyFits && weak === undefined };
}

/** As verdicts name it. */
export const subjectOf = (name: string): string => `client ${name}`;

function readChain(pem: string): readonly X509Certificate[] {
  try {
    return readCertificates(pem);
  } catch {
    return [];
  }
}

function hasKey(leaf: X509Certificate, privateKeyPem: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    // Its message could quote the key.
    return false;
  }
}
