/** How a worker ends: it is never heard of again, or stands still until it is woken. */
export type Ending = 'death' | 'standstill';

export interface Mishap {
  /** 1-based: the how-manieth step of the life it strikes at. */
  readonly at: number;
  readonly side: 'before' | 'after';
  readonly ending: Ending;
}

export class Died extends Error {}

export interface Fate {
  /** Steps so far, over all workers. */
  readonly steps: number;
  /** A worker's life: its steps pass through `take`; one that has died takes no further. */
  begin(): Life;
  /** Ends every standstill. */
  wakeAll(): void;
}

export interface Life {
  take<T>(step: () => Promise<T>): Promise<T>;
  /** Every async method of a port as a step. */
  through<Port extends object>(port: Port): Port;
  /** Resolves when the worker has come to a standstill. */
  readonly stopped: Promise<void>;
}

/** Lets each of `mishaps` strike once, at its step as all workers together count them. */
export function createFate(mishaps: readonly Mishap[]): Fate {
  let steps = 0;
  const sleepers: (() => void)[] = [];

  return {
    get steps() {
      return steps;
    },
    wakeAll() {
      for (const wake of sleepers.splice(0)) wake();
    },
    begin() {
      let dead = false;
      let tellStopped = () => {};
      const stopped = new Promise<void>((resolve) => {
        tellStopped = resolve;
      });
      const strike = async (at: number, side: Mishap['side']) => {
        if (dead) throw new Died('a dead worker takes no step');
        const mishap = mishaps.find((each) => each.at === at && each.side === side);
        if (!mishap) return;
        if (mishap.ending === 'standstill')
          return new Promise<void>((wake) => {
            sleepers.push(wake);
            tellStopped();
          });
        dead = true;
        throw new Died(`at step ${at}, ${side}`);
      };
      const take = async <T>(step: () => Promise<T>): Promise<T> => {
        steps += 1;
        const at = steps;
        await strike(at, 'before');
        const result = await step();
        await strike(at, 'after');
        return result;
      };
      const through = <Port extends object>(port: Port): Port =>
        new Proxy(port, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name);
            if (typeof member !== 'function') return member;
            return (...args: unknown[]) => take(async () => Reflect.apply(member, target, args));
          },
        });
      return { take, through, stopped };
    },
  };
}
