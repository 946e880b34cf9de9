import { type Disk, nodeDisk } from '../../../../shared/deploy/targets/disk.ts';

/** The operations after which something on the disk differs. */
const changing = ['makeDirectory', 'makeScratch', 'createFile', 'syncDirectory', 'link', 'rename', 'remove'];

/**
 * The real disk, but right before its change number `stopAt` (from 0) `stop` is called instead, as for every
 * change after it: a process that has died changes nothing any more.
 */
export function stoppingDisk(stopAt: number, stop: () => never): { disk: Disk; changes: () => number } {
  let changes = 0;
  const disk = new Proxy(nodeDisk, {
    get: (target, operation, receiver) => {
      const original: unknown = Reflect.get(target, operation, receiver);
      if (typeof original !== 'function' || !changing.includes(String(operation))) return original;
      return async (...given: unknown[]) => {
        if (changes >= stopAt) stop();
        changes += 1;
        return await original(...given);
      };
    },
  });
  return { disk, changes: () => changes };
}
