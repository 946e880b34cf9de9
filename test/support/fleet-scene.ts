import { rm } from 'node:fs/promises';
import { connect } from 'node:tls';
import { startTlsEndpoint, type TlsEndpoint } from '../../local/endpoints/tls.ts';
import type { AcmeTransport } from '../../shared/acme/transport.ts';
import type { CertificatePolicy } from '../../shared/certificates/certificate.ts';
import type { AnswerStore } from '../../shared/challenges/answers.ts';
import { createDeployTargets } from '../../shared/deploy/targets/registry.ts';
import type { CaLimits } from '../../shared/limits/published-limits.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import { createDeploySteps } from '../../shared/renewal/steps/deploy.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import { createVerifySteps } from '../../shared/renewal/steps/verify.ts';
import type { Worker } from '../../shared/renewal/transitions.ts';
import type { RenewalWork } from '../../shared/renewal/work-queue.ts';
import type { RunResult, WorkerSteps } from '../../shared/renewal/worker.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import type { Deadline } from '../../shared/runtime/deadline.ts';
import type { Saboteur } from './faults.ts';
import { createIssueScene, type IssueScene, type SceneStores } from './issue-scene.ts';
import type { IssueWorld } from './issue-world.ts';
import { sabotageIssuePorts, sabotageRunnerPorts, sabotageScheduler, sabotageSteps } from './sabotage.ts';

export const workers: readonly Worker[] = ['renew-certificate', 'deploy-certificate', 'verify-certificate'];

/** The machine's time plus what a test has moved it by; waits are cut short. */
export function createMovableClock(): Clock & { advance(seconds: number): void } {
  let offsetMillis = 0;
  return {
    now: () => new Date(Date.now() + offsetMillis),
    sleep: (millis, signal) => systemClock.sleep(millis / 20, signal),
    advance: (seconds) => {
      offsetMillis += seconds * 1000;
    },
  };
}

/** As long as a worker's invocation may take; redelivery comes after that and the lease's margin. */
const invocationSeconds = 120;
export const redeliverySeconds = 200;

/** An invocation by the clock alone: one that stood still finds its time over without any timer having fired. */
function startInvocation(clock: Clock): Deadline {
  const endsAt = clock.now().getTime() + invocationSeconds * 1000;
  return {
    signal: new AbortController().signal,
    remainingMillis: () => Math.max(0, endsAt - clock.now().getTime()),
  };
}

export interface FleetSceneOptions {
  readonly world: IssueWorld;
  readonly directory: string;
  readonly transport: AcmeTransport;
  readonly limits?: CaLimits;
  readonly answers?: AnswerStore;
  readonly stores?: Partial<SceneStores>;
}

/** The whole certificate chain over one set of stores: scheduler, the three workers, a server of what they deploy. */
export interface FleetScene extends IssueScene {
  readonly clock: ReturnType<typeof createMovableClock>;
  readonly endpoint: TlsEndpoint;
  track(name: string, policy: CertificatePolicy): Promise<void>;
  /** One tick of the scheduler. */
  tick(runId: string, saboteur?: Saboteur): Promise<void>;
  /** Hands a message to a worker process of its own, which shares nothing with others but the stores. */
  deliver(worker: Worker, work: RenewalWork, saboteur?: Saboteur): Promise<RunResult>;
  /** The serial served to a client that trusts the CA, lower-case hexadecimal; undefined where none is valid. */
  servedSerial(host: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

export async function createFleetScene(options: FleetSceneOptions): Promise<FleetScene> {
  const { world, directory } = options;
  const clock = createMovableClock();
  const scene = createIssueScene({ ...options, clock });
  const endpoint = await startTlsEndpoint({ deployDirectory: directory, answers: world.answers });
  const targets = createDeployTargets({ deployDirectory: directory });
  let attempts = 0;

  function stepsOf(worker: Worker, saboteur: Saboteur | undefined): WorkerSteps {
    if (worker === 'renew-certificate') {
      const { issue } = createIssueScene({ ...options, clock, stores: scene });
      return createIssueSteps(saboteur ? sabotageIssuePorts(issue, saboteur) : issue);
    }
    if (worker === 'deploy-certificate')
      return createDeploySteps({ vault: scene.vault, targets, defaultTargets: [{ type: 'file' }] });
    const connectTo = { host: '127.0.0.1', port: endpoint.port };
    return createVerifySteps({ connectTo, roots: world.rootPem, clock });
  }

  return {
    ...scene,
    clock,
    endpoint,
    async track(name, policy) {
      await scene.certificates.track({ name, policy, now: clock.now() });
    },
    async tick(runId, saboteur) {
      saboteur?.enter('schedule');
      await scheduleRenewals(
        { runId, tickSeconds: 60, limitPerShard: 1000 },
        saboteur ? sabotageScheduler(scene.schedule, saboteur) : scene.schedule,
      );
    },
    deliver(worker, work, saboteur) {
      const steps = stepsOf(worker, saboteur);
      const ports = saboteur ? sabotageRunnerPorts(scene.runner, saboteur) : undefined;
      return runRenewal({
        work,
        ...(ports ? sabotageSteps(steps, ports) : steps),
        owner: `worker ${++attempts}`,
        deadline: startInvocation(clock),
        ports: ports?.runner ?? scene.runner,
      });
    },
    servedSerial: (host) => lookAt(host, { port: endpoint.port, roots: world.rootPem }),
    async stop() {
      await endpoint.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** One handshake, as a client makes it. */
const lookAt = (
  host: string,
  { port, roots }: { port: number; roots: string },
): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: host, ca: roots, timeout: 5000 }, () => {
      const { serialNumber } = socket.getPeerCertificate();
      resolve(serialNumber.toLowerCase());
      socket.destroy();
    });
    const fail = () => {
      resolve(undefined);
      socket.destroy();
    };
    socket.on('error', fail);
    socket.on('timeout', fail);
  });
