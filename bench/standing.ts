import type { Round } from './contest.ts';
import { median } from './measure.ts';

/** What a contender's rounds come to: medians over the rounds; undefined where nothing could be measured. */
export interface Standing {
  readonly name: string;
  readonly attempted: number;
  readonly renewed: number;
  readonly failures: readonly string[];
  readonly requestsPerCertificate: number | undefined;
  readonly allRequestsPerCertificate: number | undefined;
  /** The contender's own, or its programs'. */
  readonly cpuMsPerCertificate: number | undefined;
  readonly cloudCpuMsPerCertificate: number | undefined;
  readonly pebbleCpuMsPerCertificate: number | undefined;
  readonly wallMsPerCertificate: number | undefined;
  readonly certificatesPerSecond: number | undefined;
  /** Processors kept busy by others on this machine meanwhile; far above 0, wall times say little. */
  readonly foreignProcessors: number | undefined;
  /** From the start of one certificate to its end. */
  readonly latencyMs: number | undefined;
}

/** Everything is counted per certificate renewed: what failures cost is part of the price. */
export function summarizeRounds(name: string, rounds: readonly Round[]): Standing {
  const usable = rounds.filter(({ renewed }) => renewed > 0);
  const perCertificate = (read: (round: Round) => number | undefined) =>
    median(
      usable.flatMap((round) => {
        const value = read(round);
        return value === undefined ? [] : [value / round.renewed];
      }),
    );
  const wallMs = perCertificate(({ elapsedMillis }) => elapsedMillis);
  return {
    name,
    attempted: sum(rounds.map(({ attempted }) => attempted)),
    renewed: sum(rounds.map(({ renewed }) => renewed)),
    failures: rounds.flatMap(({ failures }) => failures),
    requestsPerCertificate: perCertificate(({ requests }) => requests),
    allRequestsPerCertificate: perCertificate(({ allRequests }) => allRequests),
    cpuMsPerCertificate: perCertificate(({ cpuMillis }) => cpuMillis),
    cloudCpuMsPerCertificate: perCertificate(({ cloudCpuMillis }) => cloudCpuMillis),
    pebbleCpuMsPerCertificate: perCertificate(({ pebbleCpuMillis }) => pebbleCpuMillis),
    wallMsPerCertificate: wallMs,
    certificatesPerSecond: wallMs && 1000 / wallMs,
    foreignProcessors: median(
      usable.flatMap(({ foreignCpuMillis, elapsedMillis }) =>
        foreignCpuMillis === undefined ? [] : [foreignCpuMillis / elapsedMillis],
      ),
    ),
    latencyMs: median(usable.flatMap(({ latencyMillis }) => latencyMillis)),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
