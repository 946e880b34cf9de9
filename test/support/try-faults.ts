import type { ChallengeType } from '../../shared/certificates/certificate.ts';
import type { Fault } from './faults.ts';
import { findViolations } from './invariants.ts';
import { prepareTrial, renewUnderFaults, type Trial, type TrialGround } from './trial.ts';
import type { Weather } from './weather.ts';

/** One trial from beginning to end; what went wrong in it, with what replays it, or undefined. */
export async function tryFaults(
  ground: TrialGround,
  tried: {
    readonly challenge: ChallengeType;
    readonly faults: readonly Fault[];
    readonly replay: string;
    readonly weather?: Weather;
  },
): Promise<{ readonly struck: number; readonly failure?: string }> {
  let trial: Trial | undefined;
  try {
    trial = await prepareTrial(ground, {
      name: `m${++ground.trials.count}.test`,
      challenge: tried.challenge,
      weather: tried.weather,
    });
    const convergence = await renewUnderFaults(ground, trial, tried.faults);
    const struck = convergence.saboteur.struck.length;
    const problems = await findViolations(ground.world, trial, convergence);
    if (struck === 0 && !tried.weather) problems.push('nothing struck');
    if (problems.length === 0) return { struck };
    return {
      struck,
      failure: [`${tried.replay}: ${problems.join('; ')}`, ...convergence.log].join('\n    '),
    };
  } catch (error) {
    return { struck: 0, failure: `${tried.replay}: ${error instanceof Error ? error.stack : error}` };
  } finally {
    await trial?.scene.stop();
  }
}
