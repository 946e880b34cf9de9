import { createCertificateRequest, generateCertificateKey } from '../../acme/certificate-request.ts';
import type { IssuePorts, IssueStep } from './issue-step.ts';

/**
 * Makes the generation's key and request and keeps them before any CA hears of the renewal. Where an earlier
 * worker staged one, the vault answers with that and the new key is dropped.
 */
export const stage: IssueStep = async ({ renewal }, ports, memory) => {
  const { certificateName: name, generation, policy } = renewal;
  const { vault } = ports;
  const current = await vault.readCurrent(name);
  if (current && current.generation >= generation) {
    await catchUp(name, current.generation, ports);
    return { kind: 'ended', outcome: 'abandoned' };
  }
  const privateKeyPem = await generateCertificateKey(policy.keyType);
  const csrPem = await createCertificateRequest(policy.domains, privateKeyPem);
  memory.stagedKey = await vault.stageKey({ name, generation }, { privateKeyPem, csrPem });
  return { kind: 'done' };
};

/**
 * The table was restored from before the vault's newest pair, or lost: a pair of this generation could never
 * become current. The certificate goes on above it.
 */
async function catchUp(name: string, generation: number, { certificates, clock }: IssuePorts): Promise<void> {
  const certificate = await certificates.get(name);
  if (!certificate) return;
  const { nextActionAt: expectedAt } = certificate;
  await certificates.postpone({ name, expectedAt, nextActionAt: clock.now(), generation });
}
