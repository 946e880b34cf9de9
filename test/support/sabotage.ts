import type { StepName } from '../../shared/renewal/renewal.ts';
import type { SchedulePorts } from '../../shared/renewal/schedule-ports.ts';
import type { Step } from '../../shared/renewal/step.ts';
import type { IssuePorts, Presenters } from '../../shared/renewal/steps/issue-step.ts';
import type { RunnerPorts, WorkerSteps } from '../../shared/renewal/worker.ts';
import type { Saboteur } from './faults.ts';

/** One worker's stores, and what it has done since it last wrote. */
interface SabotagedRunner {
  readonly runner: RunnerPorts;
  readonly saboteur: Saboteur;
  /** To be told of each effect made; the next write of the renewal covers it. */
  effectMade(row: StepName | 'report'): void;
}

/** The stores of one worker, with the rows `claim` and `report` and what is written after each step. */
export function sabotageRunnerPorts(runner: RunnerPorts, saboteur: Saboteur): SabotagedRunner {
  const unwritten = new Set<StepName | 'report'>();
  let claimed = false;
  const { renewals, certificates, runs } = runner;
  const written = async () => {
    const covered = [...unwritten];
    unwritten.clear();
    for (const row of covered) await saboteur.reach(row, 'after-write');
  };
  return {
    saboteur,
    effectMade: (row) => unwritten.add(row),
    runner: {
      ...runner,
      renewals: {
        ...renewals,
        async claim(id, lease) {
          await saboteur.reach('claim', 'before-effect');
          const renewal = await saboteur.call('claim', () => renewals.claim(id, lease));
          await saboteur.reach('claim', 'after-effect');
          claimed = true;
          return renewal;
        },
        async save(renewal) {
          await renewals.save(renewal);
          await written();
        },
        async release(renewal) {
          await renewals.release(renewal);
          await written();
        },
      },
      certificates: {
        ...certificates,
        async get(name) {
          const certificate = await certificates.get(name);
          if (claimed) await saboteur.reach('claim', 'after-write');
          claimed = false;
          return certificate;
        },
      },
      runs: {
        ...runs,
        async recordOutcome(outcome) {
          if (outcome.result !== 'renewed') return runs.recordOutcome(outcome);
          await saboteur.reach('report', 'before-effect');
          const answer = await saboteur.call('report', () => runs.recordOutcome(outcome));
          await saboteur.reach('report', 'after-effect');
          unwritten.add('report');
          return answer;
        },
      },
    },
  };
}

/** Steps whose effects are calls of ports have their answers lost there; the others as a whole, or at the CA. */
const lostAtPorts: readonly StepName[] = [
  'choose-ca',
  'stage-key',
  'reserve-limits',
  'present-challenges',
  'await-propagation',
  'record-certificate',
  'withdraw-challenges',
];
/** Waiting for validation costs the CA no request where all goes well. */
const lostAsAWhole: readonly StepName[] = ['await-validation', 'deploy', 'verify'];

/** The steps of one worker, each struck before it, after its effect, and after the write that covers it. */
export function sabotageSteps(
  { steps, ...more }: WorkerSteps,
  { saboteur, effectMade }: SabotagedRunner,
): WorkerSteps {
  const wrap = (name: StepName, step: Step): Step => {
    const perform: Step = lostAsAWhole.includes(name)
      ? (context) => saboteur.call(name, () => step(context))
      : lostAtPorts.includes(name)
        ? step
        : (context) => saboteur.atCa(name, () => step(context));
    return async (context) => {
      await saboteur.reach(name, 'before-effect');
      const outcome = await perform(context);
      if (outcome.kind === 'wait') return outcome;
      await saboteur.reach(name, 'after-effect');
      effectMade(name);
      return outcome;
    };
  };
  const wrapped = Object.entries(steps).map(([name, step]) => [name, wrap(name as StepName, step)]);
  return { ...more, steps: Object.fromEntries(wrapped) };
}

/** The ports of renew-certificate's steps, whose answers may get lost. */
export function sabotageIssuePorts(ports: IssuePorts, saboteur: Saboteur): IssuePorts {
  const { circuits, vault, limiter, certificates, presenters } = ports;
  return {
    ...ports,
    circuits: {
      ...circuits,
      read: (directoryUrl) => saboteur.call('choose-ca', () => circuits.read(directoryUrl)),
    },
    vault: {
      ...vault,
      stageKey: (id, key) => saboteur.call('stage-key', () => vault.stageKey(id, key)),
    },
    limiter: {
      ...limiter,
      reserve: (demand) => saboteur.call('reserve-limits', () => limiter.reserve(demand)),
    },
    certificates: {
      ...certificates,
      recordIssued: (change) => saboteur.call('record-certificate', () => certificates.recordIssued(change)),
    },
    presenters: async () => sabotagePresenters(await presenters(), saboteur),
  };
}

function sabotagePresenters(presenters: Presenters, saboteur: Saboteur): Presenters {
  const wrap = (presenter: Presenters['http-01']): Presenters['http-01'] => ({
    present: (challenge, signal) =>
      saboteur.call('present-challenges', () => presenter.present(challenge, signal)),
    findObstacle: (challenge, signal) =>
      saboteur.call('await-propagation', () => presenter.findObstacle(challenge, signal)),
    withdraw: (challenge, signal) =>
      saboteur.call('withdraw-challenges', () => presenter.withdraw(challenge, signal)),
  });
  return {
    'http-01': wrap(presenters['http-01']),
    'dns-01': wrap(presenters['dns-01']),
    'tls-alpn-01': wrap(presenters['tls-alpn-01']),
  };
}

/** The scheduler: its effect is the renewal opened, what it writes then is the certificate's place in the index. */
export function sabotageScheduler(ports: SchedulePorts, saboteur: Saboteur): SchedulePorts {
  const { renewals, certificates } = ports;
  return {
    ...ports,
    renewals: {
      ...renewals,
      async open(renewal) {
        await saboteur.reach('schedule', 'before-effect');
        const opened = await saboteur.call('schedule', () => renewals.open(renewal));
        await saboteur.reach('schedule', 'after-effect');
        return opened;
      },
    },
    certificates: {
      ...certificates,
      async postpone(change) {
        const moved = await certificates.postpone(change);
        if (change.generation !== undefined) await saboteur.reach('schedule', 'after-write');
        return moved;
      },
    },
  };
}
