import { randomBytes } from 'node:crypto';

/** A uniform number in [0, 1); injected so that tests can replay a seed. */
export type Random = () => number;

export const systemRandom: Random = () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
