import type { ChallengeType } from '../certificates/certificate.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AnswerStore } from './answers.ts';
import type { ChallengePresenter } from './challenge.ts';
import { createDns01Presenter, type Dns01Options } from './dns-01.ts';
import { createHttp01Presenter } from './http-01.ts';
import { createTlsAlpn01Presenter } from './tls-alpn-01.ts';

export interface ChallengePresenterOptions {
  readonly answers: AnswerStore;
  readonly clock: Clock;
  readonly dns: Omit<Dns01Options, 'clock'>;
}

/** The presenter of each challenge type. */
export function createChallengePresenters(
  options: ChallengePresenterOptions,
): Record<ChallengeType, ChallengePresenter> {
  return {
    'http-01': createHttp01Presenter(options),
    'dns-01': createDns01Presenter({ ...options.dns, clock: options.clock }),
    'tls-alpn-01': createTlsAlpn01Presenter(options),
  };
}
