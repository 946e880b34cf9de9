import type { StepName } from './renewal.ts';

/** The functions that carry a renewal, each with the steps its role allows. */
export type Worker = 'renew-certificate' | 'deploy-certificate' | 'verify-certificate';

interface Transition {
  readonly worker: Worker;
  /** What follows when the step says nothing else; `end`: the renewal has succeeded. */
  readonly next: StepName | 'end';
}

/** The one place that knows the order of things. */
export const transitions: Readonly<Record<StepName, Transition>> = {
  'stage-key': { worker: 'renew-certificate', next: 'place-order' },
  'place-order': { worker: 'renew-certificate', next: 'select-challenges' },
  'select-challenges': { worker: 'renew-certificate', next: 'present-challenges' },
  'present-challenges': { worker: 'renew-certificate', next: 'answer-challenges' },
  'answer-challenges': { worker: 'renew-certificate', next: 'await-validation' },
  'await-validation': { worker: 'renew-certificate', next: 'finalize-order' },
  'finalize-order': { worker: 'renew-certificate', next: 'collect-certificate' },
  'collect-certificate': { worker: 'renew-certificate', next: 'record-certificate' },
  'record-certificate': { worker: 'renew-certificate', next: 'withdraw-challenges' },
  'withdraw-challenges': { worker: 'renew-certificate', next: 'deploy' },
  deploy: { worker: 'deploy-certificate', next: 'verify' },
  verify: { worker: 'verify-certificate', next: 'end' },
};
