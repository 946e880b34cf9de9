import { mapBounded } from '../../runtime/concurrency.ts';
import type { SecretStore } from '../../runtime/secrets.ts';
import type { Probe } from '../../verify/probe.ts';
import type { ConnectTo } from '../connections/connect-to.ts';
import { type CheckedClients, checkClients } from './check-clients.ts';
import { checkEnd } from './check-end.ts';
import type { Gate } from './gate.ts';
import { listEnds, type PipelineEnd } from './pipeline-ends.ts';
import type { Revocation } from './revocation.ts';
import { createRootsReader } from './roots.secrets-manager.ts';
import type { ClientCertificates } from './vault-client-certificates.ts';

const endsAtOnce = 4;

export interface GateParts {
  readonly clientCertificates: ClientCertificates;
  readonly secrets: Pick<SecretStore, 'read'>;
  /** `<secretsPrefix>/<caSecret>` holds `{"pem": "…"}`. */
  readonly secretsPrefix: string;
  /** Its handshakes should not be recorded as connections of a run: see `withoutRecording`. */
  readonly probe: Probe;
  readonly revocation: Revocation;
  readonly connectTo?: ConnectTo | undefined;
}

/** A gate over the fleet's vault, the secrets and the network. Reads everything anew for each check. */
export function createGate(parts: GateParts): Gate {
  const readRoots = createRootsReader(parts);
  return {
    async check(pipeline, { now, signal }) {
      const options = { minimumDaysLeft: pipeline.certificates.minimumDaysLeft, now, signal };
      const ends = listEnds(pipeline);
      const names = ends.flatMap(({ clientCertificate }) => clientCertificate ?? []);
      const clients = await checkClients([...new Set(names)], { ...parts, ...options });
      const verdicts = await mapBounded(ends, endsAtOnce, async (end) => {
        const roots = await readRoots(end.caSecret);
        return checkEnd({ ...end, ...clientOf(end, clients), roots }, { ...parts, ...options });
      });
      return {
        problems: [...clients.problems, ...verdicts.flatMap(({ problems }) => problems)],
        certificates: [...clients.certificates, ...verdicts.flatMap(({ certificate }) => certificate ?? [])],
        peers: new Map(
          ends.flatMap(({ role }, index) => {
            const peer = verdicts[index]?.peer;
            return peer ? [[role, peer] as const] : [];
          }),
        ),
      };
    },
  };
}

function clientOf({ clientCertificate: name }: PipelineEnd, { usable, failed }: CheckedClients) {
  if (name === undefined) return { clientFailed: false };
  return { client: usable.get(name), clientFailed: failed.has(name) };
}
