import { readFile } from 'node:fs/promises';
import { createAccountConnector } from '../../shared/acme/account.ts';
import { createMemoryAccountStore } from '../../shared/acme/accounts.memory.ts';
import { findAuthority } from '../../shared/acme/catalogue.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import { createMemoryKeyVault } from '../../shared/certificates/vault.memory.ts';
import { createChallengePresenters } from '../../shared/challenges/presenters.ts';
import { createMemoryBucketItems } from '../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../shared/limits/bucket-store.ts';
import { createLimiter } from '../../shared/limits/limiter.ts';
import { publishedLimits } from '../../shared/limits/published-limits.ts';
import { createAuthorities } from '../../shared/renewal/authorities.ts';
import { createMemoryCircuitStore } from '../../shared/renewal/circuit.memory.ts';
import { createPatience } from '../../shared/renewal/patience.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import { createMemoryWorkQueue } from '../../shared/renewal/work-queue.memory.ts';
import { createMemoryRunStore } from '../../shared/report/runs.memory.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { systemRandom as random } from '../../shared/runtime/random.ts';
import { servePeer } from '../peer.ts';
import { createCertfleetPeer } from './certfleet.ts';

/** certfleet's renewal over the stores in memory. */
servePeer(async ({ directoryUrl, rootsFile }, proofs) => {
  const certificates = createMemoryCertificateStore();
  const account = {
    directoryUrl,
    contacts: [],
    transport: createTransport({ roots: await readFile(rootsFile, 'utf8') }),
    accounts: createMemoryAccountStore(),
    clock,
  };
  const buckets = createBucketStore(createMemoryBucketItems(), { clock, random });
  const presenters = createChallengePresenters({
    answers: { put: proofs.show, remove: proofs.withdraw, get: neverAsked },
    clock,
    dns: { providers: neverAsked, propagation: { findServers: neverAsked, check: neverAsked } },
  });
  return createCertfleetPeer({
    issue: {
      authorities: createAuthorities([findAuthority(directoryUrl)], () => createAccountConnector(account)),
      circuits: createMemoryCircuitStore(),
      patience: createPatience(),
      limiter: createLimiter({ store: buckets, limitsFor: publishedLimits, clock }),
      certificates,
      vault: createMemoryKeyVault(),
      presenters: async () => presenters,
      clock,
    },
    runner: {
      certificates,
      renewals: createMemoryRenewalStore(),
      runs: createMemoryRunStore(),
      queue: createMemoryWorkQueue(),
      clock,
      random,
    },
  });
});

function neverAsked(): never {
  throw new Error('http-01 asks neither DNS nor this store');
}
