import { type CertificateAuthority, findAuthority } from '../../acme/catalogue.ts';
import type { AcmeConnection, AcmeSession } from '../../acme/connection.ts';
import type { Order } from '../../acme/order.ts';
import type { ChallengeType } from '../../certificates/certificate.ts';
import type { CertificateStore } from '../../certificates/store.ts';
import type { KeyVault, StagedKey } from '../../certificates/vault.ts';
import type { ChallengePresenter } from '../../challenges/challenge.ts';
import type { Demand } from '../../limits/demand.ts';
import type { Limiter } from '../../limits/limiter.ts';
import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import { type Authorities, deploymentAccount, limitsNameOf } from '../authorities.ts';
import type { CircuitStore } from '../circuit.ts';
import type { Patience } from '../patience.ts';
import { orderedNames, type Renewal, type RenewalOrder, renewalKey } from '../renewal.ts';
import type { Step, StepContext } from '../step.ts';

export type Presenters = Readonly<Record<ChallengeType, ChallengePresenter>>;

export interface IssuePorts {
  readonly authorities: Authorities;
  readonly circuits: CircuitStore;
  readonly limiter: Limiter;
  readonly patience: Patience;
  readonly certificates: CertificateStore;
  readonly vault: KeyVault;
  /** Opened when a challenge is to be shown: their credentials are secrets to be read. */
  readonly presenters: () => Promise<Presenters>;
  readonly clock: Clock;
}

/** What one invocation remembers of one renewal between its steps, so that it need not be read again. */
export interface IssueMemory {
  stagedKey?: StagedKey | undefined;
  order?: Order | undefined;
  /** Finalize as the first look at the validation: to be sent so, or sent. */
  firstLook?: 'due' | 'taken';
  /** Finalize was sent once more, since the CA had taken it and the order showed nothing of it. */
  finalizeRepeated?: boolean;
}

export type IssueStep = (context: StepContext, ports: IssuePorts, memory: IssueMemory) => ReturnType<Step>;

/** The CA chosen for the renewal. */
export function chosenAuthority({ ca, certificateName }: Renewal): CertificateAuthority {
  if (ca) return findAuthority(ca.directoryUrl);
  throw new Failure({
    code: 'unexpected',
    disposition: 'bug',
    message: `${certificateName} has come further than choose-ca without a CA`,
  });
}

/** The account at the chosen CA. */
export const connectTo = (
  renewal: Renewal,
  ports: IssuePorts,
  signal: AbortSignal,
): Promise<AcmeConnection> => ports.authorities.connect(chosenAuthority(renewal).directoryUrl, signal);

/** What the renewal's order asks of its CA's rate limits. */
export const toDemand = (renewal: Renewal): Demand => ({
  ca: limitsNameOf(chosenAuthority(renewal)),
  account: deploymentAccount,
  domains: orderedNames(renewal),
  exemption: renewal.reservedAs ?? 'none',
  holder: renewalKey(renewal),
});

/** A session at the CA and the stored order, provided it is this account's: no other can be gone on with. */
export async function resumeOrder(
  { renewal, signal }: StepContext,
  ports: IssuePorts,
): Promise<{
  readonly connection: AcmeConnection;
  readonly session: AcmeSession;
  readonly order: RenewalOrder;
}> {
  const connection = await connectTo(renewal, ports, signal);
  const { order, certificateName } = renewal;
  if (order && order.accountUrl === connection.accountUrl)
    return { connection, session: connection.session(signal), order };
  throw new Failure({
    code: 'order-missing',
    disposition: 'retry',
    message: `${certificateName} has no order of account ${connection.accountUrl}; a new one is placed`,
  });
}

/** The generation's key from memory or from the vault. */
export async function requireStagedKey({ renewal }: StepContext, ports: IssuePorts, memory: IssueMemory) {
  const { certificateName: name, generation } = renewal;
  memory.stagedKey ??= await ports.vault.readStagedKey({ name, generation });
  if (memory.stagedKey) return memory.stagedKey;
  throw new Failure({
    code: 'staged-key-missing',
    // A vault may take a moment to show what was put: the backoff begins with a minute, not a day.
    disposition: 'retry',
    message: `the vault does not show the staged key of generation ${generation} of ${name}; if that lasts, restore the secret's version`,
  });
}
