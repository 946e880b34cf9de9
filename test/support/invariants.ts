import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { sameNames } from '../../shared/certificates/certificate.ts';
import { countedTat, fullBucket } from '../../shared/limits/bucket.ts';
import { type MeterKind, metersOf } from '../../shared/limits/demand.ts';
import { intervalMillisOf } from '../../shared/limits/gcra.ts';
import type { Convergence } from './convergence.ts';
import { countableLimits, secondRun, type Trial, type TrialWorld } from './trial.ts';

/** Everything that must hold once a renewal has been carried through `convergence`; what does not, in words. */
export async function findViolations(
  world: TrialWorld,
  trial: Trial,
  convergence: Convergence,
): Promise<string[]> {
  const found = await Promise.all([
    checkConvergence(trial, convergence),
    checkLedger(world, trial),
    checkKeys(world, trial),
    checkService(world, trial),
    checkProofs(world, trial),
    checkTokens(world, trial, convergence),
    checkOutcomes(trial),
  ]);
  return found.flat();
}

const redeliveriesPerFault = 3;

async function checkConvergence(
  { name, scene, weather }: Trial,
  { converged, redeliveries, saboteur }: Convergence,
) {
  const renewal = await scene.renewals.get({ certificateName: name, generation: 2 });
  const { lastProblem, step, outcome } = renewal ?? {};
  const most = redeliveriesPerFault * Math.max(saboteur.struck.length + (weather?.felt ?? 0), 1);
  return [
    ...(converged && outcome === 'renewed'
      ? []
      : [`it ended as ${outcome} at ${step}: ${lastProblem?.code} ${lastProblem?.message}`]),
    ...(redeliveries <= most ? [] : [`it took ${redeliveries} redeliveries`]),
  ];
}

/** I1 and I2: one order and one certificate per generation, in the CA's own books. */
async function checkLedger({ ca }: TrialWorld, { names }: Trial) {
  return names.flatMap((domains, index) => {
    const orders = ca.ledger.orders.filter((order) => sameNames(order.names, domains));
    const issued = ca.ledger.issued.filter((certificate) => sameNames(certificate.names, domains));
    const generation = `generation ${index + 1}`;
    return [
      ...(orders.length === 1 && orders[0]?.status === 'valid'
        ? []
        : [`${generation} has the orders ${orders.map(({ status }) => status).join(', ') || 'none'}`]),
      ...(issued.length === 1 ? [] : [`${generation} was issued ${issued.length} times`]),
    ];
  });
}

const fingerprintOf = (privateKeyPem: string): string =>
  createHash('sha256')
    .update(createPublicKey(createPrivateKey(privateKeyPem)).export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** I3: no key that a finalize named is lost, and what is current is a pair. */
async function checkKeys({ ca }: TrialWorld, { name, names, scene }: Trial) {
  const { vault } = scene;
  const [first, second, current, previous] = await Promise.all([
    vault.readStagedKey({ name, generation: 1 }),
    vault.readStagedKey({ name, generation: 2 }),
    vault.readCurrent(name),
    vault.readPrevious(name),
  ]);
  const kept = [first, second, current, previous].flatMap((key) =>
    key ? [fingerprintOf(key.privateKeyPem)] : [],
  );
  const orders = ca.ledger.orders.filter((order) => names.some((domains) => sameNames(order.names, domains)));
  const urls = orders.map(({ url }) => url);
  const finalized = ca.ledger.finalizes.filter(({ orderUrl }) => urls.includes(orderUrl));
  const lost = finalized.filter(({ publicKeyFingerprint }) => !kept.includes(publicKeyFingerprint));
  const isPair =
    current &&
    new X509Certificate(current.fullchainPem).checkPrivateKey(createPrivateKey(current.privateKeyPem));
  return [
    ...(lost.length === 0 ? [] : [`${lost.length} finalized keys are lost`]),
    ...(isPair && current.generation === 2 ? [] : ['the current pair is not that of generation 2']),
    ...(previous?.generation === 1 ? [] : ['the pair before is gone']),
  ];
}

/** I5: whenever anybody looked, an unexpired certificate of the ledger was served; at the end the new one. */
async function checkService({ ca }: TrialWorld, { name, names, served, scene }: Trial) {
  const [first, second] = names.map(
    (domains) => ca.ledger.issued.find((certificate) => sameNames(certificate.names, domains))?.serial,
  );
  const current = (await scene.certificates.get(name))?.current;
  const bad = served.filter((serial) => serial === undefined || (serial !== first && serial !== second));
  return [
    ...(bad.length === 0 ? [] : [`${bad.length} of ${served.length} looks saw no certificate in service`]),
    ...(served.at(-1) === second ? [] : ['the new certificate is not served']),
    ...(current?.serial === second && current?.generation === 2
      ? []
      : ['the record names another certificate']),
  ];
}

async function checkProofs(world: TrialWorld, { name, scene, answers }: Trial) {
  const renewal = await scene.renewals.get({ certificateName: name, generation: 2 });
  const records = world.dnsRecords().filter(({ fqdn }) => fqdn.endsWith(`.${name}`));
  return [
    ...(answers.onShow().length === 0 ? [] : ['an http-01 proof is still on show']),
    ...(records.length === 0 ? [] : [`${records.length} TXT records are still on show`]),
    ...(renewal?.challenges.length === 0 ? [] : ['the renewal still lists proofs']),
  ];
}

/** I4: at least what the CA counted is charged, and at most one token more per fault. */
async function checkTokens(world: TrialWorld, trial: Trial, { saboteur }: Convergence) {
  const { names, ordersSeen } = trial;
  const lost = saboteur.answersLost.filter((resource) => resource === 'newOrder').length;
  const slack = saboteur.struck.length + (trial.weather?.felt ?? 0);
  const problems: string[] = [];
  const compare = async (kind: MeterKind, domains: readonly string[], counted: number) => {
    const charged = await chargedTokens(world, trial, { kind, domains });
    if (charged < counted || charged > counted + slack)
      problems.push(`${charged} tokens of ${kind} are charged for ${counted} that the CA counts`);
  };
  for (const domains of names) await compare('set', domains, 1);
  await compare('domain', names[0], 2);
  await compare('orders', names[0], ordersSeen.count + lost);
  await compare('failures', names[0], 0);
  return problems;
}

async function chargedTokens(
  { directoryUrl }: TrialWorld,
  { scene }: Trial,
  { kind, domains }: { kind: MeterKind; domains: readonly string[] },
): Promise<number> {
  const demand = { ca: directoryUrl, account: 'default', domains, exemption: 'none', holder: '' } as const;
  const meter = metersOf(demand, countableLimits).find((each) => each.kind === kind);
  if (!meter) throw new Error(`no limit of kind ${kind}`);
  const bucket = (await scene.buckets.read([meter.key])).get(meter.key) ?? fullBucket;
  const now = scene.clock.now();
  const counted = countedTat(bucket, { limit: meter.limit, now }).getTime();
  return Math.max(0, Math.round((counted - now.getTime()) / intervalMillisOf(meter.limit)));
}

async function checkOutcomes({ name, scene }: Trial) {
  const outcomes = await scene.runs.listOutcomes(secondRun);
  const [outcome] = outcomes;
  const told =
    outcomes.length === 1 &&
    outcome?.certificateName === name &&
    outcome.result === 'renewed' &&
    outcome.generation === 2;
  return told
    ? []
    : [`the run was told ${JSON.stringify(outcomes.map(({ result, error }) => ({ result, error })))}`];
}
