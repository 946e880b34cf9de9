import type { StepName } from '../shared/renewal/renewal.ts';
import { transitions, type Worker } from '../shared/renewal/transitions.ts';
import type { PassProgress } from './pass.ts';

/** Where progress is shown; `isTTY` as in process.stderr. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface ProgressDisplay {
  show(progress: PassProgress): void;
  /** Removes or ends what is shown, so that other lines can follow. */
  end(): void;
}

const barWidth = 24;
const stages: readonly { readonly label: string; readonly worker: Worker }[] = [
  { label: 'renew', worker: 'renew-certificate' },
  { label: 'deploy', worker: 'deploy-certificate' },
  { label: 'verify', worker: 'verify-certificate' },
];

/** One line per stage, redrawn in place at a terminal; elsewhere one line whenever a stage moved on. */
export function createProgressDisplay(screen: Screen): ProgressDisplay {
  let drawnLines = 0;
  let last = '';
  const clear = () => {
    if (drawnLines > 0) screen.write(`\x1b[${drawnLines}A\x1b[0J`);
    drawnLines = 0;
  };
  return {
    show(progress) {
      if (!screen.isTTY) {
        const line = `${describeCounts(progress)}\n`;
        if (line !== last && progress.due > 0) screen.write(line);
        last = line;
        return;
      }
      const text = drawStages(progress);
      if (text === last) return;
      clear();
      screen.write(text);
      drawnLines = text.split('\n').length - 1;
      last = text;
    },
    end() {
      drawnLines = 0;
      last = '';
    },
  };
}

/** How many certificates have left each stage behind; a failed one leaves none. */
export function countPassed({ due, atStep, planned, outcomes }: PassProgress): ReadonlyMap<Worker, number> {
  const renewed = outcomes.filter(({ result }) => result === 'renewed').length;
  const failed = outcomes.length - renewed;
  const passed = new Map<Worker, number>();
  let waiting = planned;
  for (const { worker } of stages) {
    waiting += [...atStep].reduce((sum, [step, count]) => sum + (workerOf(step) === worker ? count : 0), 0);
    passed.set(worker, Math.max(0, due - failed - waiting));
  }
  return passed;
}

const workerOf = (step: StepName): Worker => transitions[step].worker;

function drawStages(progress: PassProgress): string {
  const passed = countPassed(progress);
  const failed = progress.outcomes.filter(({ result }) => result === 'failed').length;
  const lines = stages.map(({ label, worker }) => {
    const count = passed.get(worker) ?? 0;
    const filled = progress.due === 0 ? barWidth : Math.round((barWidth * count) / progress.due);
    return `  ${label.padEnd(8)}${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${count}/${progress.due}`;
  });
  const failures = failed > 0 ? `  ${failed} failed` : '';
  const limited = progress.planned > 0 ? `  ${progress.planned} wait for a rate limit` : '';
  return `${[`  check   ${progress.due} of ${progress.tracked} due${failures}${limited}`, ...lines].join('\n')}\n`;
}

function describeCounts(progress: PassProgress): string {
  const passed = countPassed(progress);
  const counts = stages.map(({ label, worker }) => `${label} ${passed.get(worker) ?? 0}/${progress.due}`);
  const failed = progress.outcomes.filter(({ result }) => result === 'failed').length;
  const { planned } = progress;
  const others = [
    ...(failed > 0 ? [`failed ${failed}`] : []),
    ...(planned > 0 ? [`limited ${planned}`] : []),
  ];
  return [...counts, ...others].join('  ');
}
