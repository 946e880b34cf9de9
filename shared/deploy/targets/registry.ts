import type { DeployTarget } from '../../certificates/certificate.ts';
import type { DeployTargetAdapter } from '../target.ts';
import { createFileTarget, type FileTargetOptions } from './file.ts';

export type DeployTargets = {
  readonly [Type in DeployTarget['type']]: DeployTargetAdapter<Extract<DeployTarget, { type: Type }>>;
};

/** Every kind of target; one row each. */
export const createDeployTargets = (options: FileTargetOptions): DeployTargets => ({
  file: createFileTarget(options),
});
