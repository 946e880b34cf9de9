import type { CertificatePolicy } from '../shared/certificates/certificate.ts';
import { createMemoryCertificateStore } from '../shared/certificates/store.memory.ts';
import type { CertificateStore } from '../shared/certificates/store.ts';

/** The calls that planning makes of the fleet, with their arguments as they are sent between processes. */
export type FleetCall = {
  [Method in 'findDue' | 'get' | 'postpone']: {
    readonly id: number;
    readonly method: Method;
    readonly argument: Parameters<CertificateStore[Method]>[0];
  };
}['findDue' | 'get' | 'postpone'];

export interface FleetAnswer {
  readonly id: number;
  readonly answer: unknown;
}

export const directoryUrl = 'https://acme-v02.api.letsencrypt.org/directory';
const startMillis = Date.parse('2026-11-21T12:00:00Z');
/** Days after the instant at which all plans are made. */
export const at = (days: number) => new Date(startMillis + days * 86_400_000);

const namesPerDomain = 10;
/** One certificate of so many is due; every fourth of those is new, the others renew what they have. */
const dueEvery = 100;
const issuedBy = { directoryUrl, accountUrl: `${directoryUrl}/account` };
// As many days of issue as a fleet has that is renewed all the time.
const ages = Array.from({ length: 59 }, (_, days) => ({ notBefore: at(-days), notAfter: at(90 - days) }));
const old = { notBefore: at(-61), notAfter: at(29) };
const none: readonly never[] = [];

/** A fleet of this size in the memory store, one of a hundred due. */
async function createFleet(size: number): Promise<CertificateStore> {
  const fleet = createMemoryCertificateStore();
  for (let index = 0; index < size; index++) {
    const name = `h${index}.d${Math.floor(index / namesPerDomain)}.com`;
    const given = { challenge: 'http-01', keyType: 'ecdsa-p256', targets: none, endpoints: none } as const;
    const policy: CertificatePolicy = { domains: [name], ...given };
    await fleet.track({ name, policy, now: at(0) });
    if (index % (4 * dueEvery) === 0) continue;
    const isDue = index % dueEvery === 0;
    const { domains, keyType } = policy;
    const facts = { generation: 1, serial: '1', fingerprint: 'f', domains, keyType, issuedBy };
    await fleet.recordIssued({
      read: { name, policy, state: 'tracked', generation: 0, nextActionAt: at(0) },
      issued: { ...facts, ...(isDue ? old : (ages[index % ages.length] ?? old)) },
      nextActionAt: isDue ? at(-1) : at(1 + (index % ages.length)),
    });
  }
  return fleet;
}

const send = (message: unknown) => process.send?.(message);

/** A process that is the fleet's database: it says when it is filled, then answers calls. */
if (process.argv[1] === import.meta.filename) {
  const fleet = await createFleet(Number(process.argv[2]));
  const call = ({ method, argument }: FleetCall): Promise<unknown> => {
    if (method === 'findDue') return fleet.findDue(argument);
    return method === 'get' ? fleet.get(argument) : fleet.postpone(argument);
  };
  process.on('message', async (message: FleetCall) => {
    send({ id: message.id, answer: await call(message) } satisfies FleetAnswer);
  });
  process.once('disconnect', () => process.exit(0));
  send('filled');
}
