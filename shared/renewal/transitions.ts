import type { StepName } from './renewal.ts';

/** The functions that carry a renewal, each with the steps its role allows. */
export type Worker = 'renew-certificate' | 'deploy-certificate' | 'verify-certificate';

interface Transition {
  readonly worker: Worker;
  /** What follows when the step says nothing else; `end`: the renewal has succeeded. */
  readonly next: StepName | 'end';
  /**
   * `stored`: the renewal is stored at this step before it begins, because what came before must not be lost or
   * this step not be begun unrecorded. `repeatable`: a worker that took over repeats the steps back to the last
   * stored one at the cost of a few reads, which saves every other worker a write.
   */
  readonly record: 'stored' | 'repeatable';
}

const renew = (next: StepName, record: Transition['record']): Transition => ({
  worker: 'renew-certificate',
  next,
  record,
});

/** The one place that knows the order of things. */
export const transitions: Readonly<Record<StepName, Transition>> = {
  'choose-ca': renew('stage-key', 'stored'),
  'stage-key': renew('reserve-limits', 'repeatable'),
  'reserve-limits': renew('place-order', 'repeatable'),
  // The intent: from here on the CA may know of the order.
  'place-order': renew('select-challenges', 'stored'),
  'select-challenges': renew('present-challenges', 'stored'),
  // The list of proofs: from here on they may be on show.
  'present-challenges': renew('await-propagation', 'stored'),
  'await-propagation': renew('answer-challenges', 'repeatable'),
  'answer-challenges': renew('await-validation', 'repeatable'),
  'await-validation': renew('finalize-order', 'repeatable'),
  // From here on the order may be finalized, and is asked for before it is finalized again.
  'finalize-order': renew('await-issuance', 'stored'),
  'await-issuance': renew('collect-certificate', 'repeatable'),
  'collect-certificate': renew('record-certificate', 'repeatable'),
  'record-certificate': renew('withdraw-challenges', 'repeatable'),
  'withdraw-challenges': renew('deploy', 'repeatable'),
  deploy: { worker: 'deploy-certificate', next: 'verify', record: 'stored' },
  verify: { worker: 'verify-certificate', next: 'end', record: 'stored' },
};
