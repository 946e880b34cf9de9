import { createCertificateRequest, generateCertificateKey } from '../../acme/certificate-request.ts';
import type { IssueStep } from './issue-step.ts';

/**
 * Makes the generation's key and request and keeps them before any CA hears of the renewal. Where an earlier
 * worker staged one, the vault answers with that and the new key is dropped.
 */
export const stage: IssueStep = async ({ renewal }, { vault }, memory) => {
  const { certificateName: name, generation, policy } = renewal;
  const privateKeyPem = await generateCertificateKey(policy.keyType);
  const csrPem = await createCertificateRequest(policy.domains, privateKeyPem);
  memory.stagedKey = await vault.stageKey({ name, generation }, { privateKeyPem, csrPem });
  return { kind: 'done' };
};
