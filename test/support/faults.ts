import type { AcmeCa } from '../../local/ca/ca.ts';
import { type StepName, stepNames } from '../../shared/renewal/renewal.ts';
import { Failure } from '../../shared/runtime/errors.ts';

/** What a renewal goes through, by the name of the step; the last three stand around the steps. */
export const rows = ['schedule', 'claim', ...stepNames, 'report'] as const;
export type Row = (typeof rows)[number];

/** `after-effect`: the effect is made and nothing has been written since. */
export const points = ['before-effect', 'after-effect', 'after-write'] as const;
export type Point = (typeof points)[number];

/**
 * `kill`: the worker is never heard of again. `zombie`: it stands still until `wakeAll`. `lost-response`: the
 * call, its answer, or the answer of the write is lost on its way, and the worker sees a network error.
 */
export const modes = ['kill', 'throw', 'zombie', 'lost-response'] as const;
export type Mode = (typeof modes)[number];

export interface Fault {
  readonly row: Row;
  readonly point: Point;
  readonly mode: Mode;
}

export const everyFault: readonly Fault[] = rows.flatMap((row) =>
  points.flatMap((point) => modes.map((mode) => ({ row, point, mode }))),
);

/** For an assertion's message, and to be typed in again. */
export const describeFault = ({ row, point, mode }: Fault): string => `${row}/${point}/${mode}`;

/** What the CA is asked for in a step; its answers are lost at the CA itself. */
const resources: Partial<Record<Row, string>> = {
  'place-order': 'newOrder',
  'select-challenges': 'authorization',
  'answer-challenges': 'challenge',
  'finalize-order': 'finalize',
  'await-issuance': 'order',
  'collect-certificate': 'certificate',
};

export interface Saboteur {
  /** Faults that have struck, in their order. */
  readonly struck: readonly Fault[];
  /** Requests that the CA acted on although its answer was lost, by resource. */
  readonly answersLost: readonly string[];
  /** To be called when a worker comes to a row. */
  enter(row: Row): void;
  /** To be called at a point of a row: strikes if that is where the next fault is due. */
  reach(row: Row, point: Point): Promise<void>;
  /** Makes a call outside that belongs to a row; its answer may get lost. */
  call<Result>(row: Row, make: () => Promise<Result>): Promise<Result>;
  /** As `call` where the whole step's requests to the CA are meant. */
  atCa<Result>(step: StepName, make: () => Promise<Result>): Promise<Result>;
  /** Resolves when a worker has been stopped by the fault that strikes next. */
  nextStop(): Promise<Fault>;
  /** Ends every standstill so far. */
  wake(): void;
  /** Ends every standstill; nothing strikes any more. */
  wakeAll(): void;
}

/** Strikes with each of `faults` once, one after the other, in requests about `names` alone. */
export function createSaboteur(
  faults: readonly Fault[],
  {
    ca,
    names,
    onRow,
  }: { ca: Pick<AcmeCa, 'faults'>; names: readonly string[]; onRow?: ((row: Row) => void) | undefined },
): Saboteur {
  const struck: Fault[] = [];
  const answersLost: string[] = [];
  const sleepers: (() => void)[] = [];
  let stops: ((fault: Fault) => void)[] = [];
  let over = false;

  const due = (row: Row, point?: Point): Fault | undefined => {
    const next = over ? undefined : faults[struck.length];
    return next?.row === row && (point === undefined || next.point === point) ? next : undefined;
  };
  const wake = () => {
    for (const end of sleepers.splice(0)) end();
  };
  const stop = (fault: Fault) => {
    for (const tell of stops) tell(fault);
    stops = [];
  };

  return {
    struck,
    answersLost,
    enter: (row) => onRow?.(row),
    async reach(row, point) {
      if (point === 'before-effect') onRow?.(row);
      const fault = due(row, point);
      if (!fault || (fault.mode === 'lost-response' && point !== 'after-write')) return;
      struck.push(fault);
      switch (fault.mode) {
        case 'kill':
          stop(fault);
          return new Promise(() => {});
        case 'zombie':
          return new Promise((wake) => {
            sleepers.push(wake);
            stop(fault);
          });
        case 'throw':
          throw new Error(`sabotaged at ${describeFault(fault)}`);
        default:
          throw connectionLost(row, point);
      }
    },
    async call(row, make) {
      const fault = due(row);
      if (fault?.mode !== 'lost-response' || fault.point === 'after-write') return make();
      if (fault.point === 'before-effect') {
        struck.push(fault);
        throw connectionLost(row);
      }
      await make();
      struck.push(fault);
      throw connectionLost(row);
    },
    async atCa(step, make) {
      const fault = due(step);
      const resource = resources[step];
      if (fault?.mode !== 'lost-response' || fault.point === 'after-write' || !resource) return make();
      const act = fault.point === 'before-effect' ? 'drop-before' : 'drop-after';
      const handle = ca.faults.add({ resource, names, act });
      try {
        return await make();
      } finally {
        handle.remove();
        if (handle.hits > 0) {
          struck.push(fault);
          if (act === 'drop-after') answersLost.push(resource);
        }
      }
    },
    nextStop: () => new Promise((tell) => stops.push(tell)),
    wake,
    wakeAll() {
      over = true;
      wake();
    },
  };
}

/** Where a lost answer is not a table's. */
const codes: Partial<Record<Row, string>> = {
  'stage-key': 'vault-unavailable',
  'present-challenges': 'challenge-dns-unreachable',
  'await-propagation': 'challenge-dns-unreachable',
  'withdraw-challenges': 'challenge-dns-unreachable',
  'await-validation': 'ca-unreachable',
  deploy: 'deploy-files-failed',
  verify: 'endpoint-unreachable',
};

/** As adapters report a call whose answer never came. */
const connectionLost = (row: Row, point?: Point) =>
  new Failure({
    code: (point !== 'after-write' && codes[row]) || 'store-unavailable',
    disposition: 'retry',
    message: `the connection was lost in ${row}`,
  });
