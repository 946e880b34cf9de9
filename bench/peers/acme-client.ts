import { Client, crypto } from 'acme-client';
import { ownCpuMillis, servePeer } from '../peer.ts';

/** acme-client's own `auto`, one client for all certificates, so that account and directory are kept. */
servePeer(async ({ directoryUrl }, proofs) => {
  const client = new Client({ directoryUrl, accountKey: await crypto.createPrivateEcdsaKey('P-256') });
  return {
    cpuMillis: ownCpuMillis,
    async renew(name) {
      const key = await crypto.createPrivateEcdsaKey('P-256');
      const [, csr] = await crypto.createCsr({ altNames: [name] }, key);
      await client.auto({
        csr,
        termsOfServiceAgreed: true,
        skipChallengeVerification: true,
        challengePriority: ['http-01'],
        challengeCreateFn: (_authorization, { token }, keyAuthorization) =>
          proofs.show({ answerKey: `http-01#${token}`, keyAuthorization }),
        challengeRemoveFn: (_authorization, { token }, keyAuthorization) =>
          proofs.withdraw({ answerKey: `http-01#${token}`, keyAuthorization }),
      });
    },
  };
});
