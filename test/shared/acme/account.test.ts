import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeCa } from '../../../local/ca/ca.ts';
import { createAccountConnector } from '../../../shared/acme/account.ts';
import { createSignerFor } from '../../../shared/acme/account-key.kms.ts';
import { createPemSigner, generateAccountKey } from '../../../shared/acme/account-key.ts';
import { deactivateAccount, rollOverAccountKey } from '../../../shared/acme/account-lifecycle.ts';
import type { AccountStore } from '../../../shared/acme/account-store.ts';
import { createMemoryAccountStore } from '../../../shared/acme/accounts.memory.ts';
import { connect } from '../../../shared/acme/connection.ts';
import type { AccountOptions } from '../../../shared/acme/registration.ts';
import { createTransport } from '../../../shared/acme/transport.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { startPlainCa } from '../../local/ca/subscriber.ts';
import { createFakeKms } from './fake-kms.ts';
import { obtain } from './obtain.ts';

let ca: AcmeCa;
let transport: AccountOptions['transport'];
beforeAll(async () => {
  ({ ca } = await startPlainCa({ clock: systemClock }));
  transport = createTransport({ roots: ca.rootPem });
});
afterAll(() => ca.stop());

let accounts: AccountStore;
let options: AccountOptions;
beforeEach(() => {
  accounts = createMemoryAccountStore();
  options = { directoryUrl: ca.directoryUrl, accounts, contacts: [], transport, clock: systemClock };
});

const { signal } = new AbortController();
const read = async () => (await accounts.read(ca.directoryUrl)) ?? {};
let orders = 0;
/** Whether the account can do what accounts are for. */
const use = async (connect = createAccountConnector(options)) =>
  obtain(await connect(signal), { domains: [`n${++orders}.example.com`] });
/** A worker with an open connection. */
async function aRegistered() {
  const connect = createAccountConnector(options);
  const { accountUrl } = await connect(signal);
  return { connect, accountUrl, before: await read() };
}
/** A store that fails at the next `save`, as if the worker died there. */
const dyingAtSave = (): AccountOptions => ({
  ...options,
  accounts: { ...accounts, save: () => Promise.reject(new Error('killed')) },
});

describe('an account', () => {
  it('is registered once, with a key of its own, and found without a request after that', async () => {
    const { accountUrl } = await aRegistered();
    const asked = ca.ledger.requests.newAccount;
    expect((await createAccountConnector(options)(signal)).accountUrl).toBe(accountUrl);
    expect(ca.ledger.requests.newAccount).toBe(asked);
    await use();
  });

  it('whose key is in KMS signs there', async () => {
    const kms = createFakeKms();
    options = { ...options, signerFor: createSignerFor(kms.client), newAccountKmsKeyId: 'alias/acme' };
    await use();
    expect(await read()).toEqual({ kmsKeyId: 'alias/acme', accountUrl: expect.stringContaining('/acct/') });
    expect(kms.state.calls.filter((call) => call === 'GetPublicKey')).toHaveLength(1);
  });

  it('of an earlier version, with its key in the store, stays usable beside KMS', async () => {
    await aRegistered();
    const kms = createFakeKms();
    options = { ...options, signerFor: createSignerFor(kms.client), newAccountKmsKeyId: 'alias/acme' };
    await use();
    expect(kms.state.calls).toEqual([]);
  });
});

describe('a change of the account key', () => {
  it('leaves the account with the new key alone', async () => {
    const { before, accountUrl } = await aRegistered();
    await rollOverAccountKey(options, signal);
    const after = await read();
    expect(after).toMatchObject({ accountUrl });
    expect(after.privateKeyPem).not.toBe(before.privateKeyPem);
    expect(after.pendingKey).toBeUndefined();
    await use();
    const signer = createPemSigner(before.privateKeyPem ?? '');
    const old = await connect({ ...options, signer, accountUrl });
    await expect(obtain(old, { domains: ['old.example.com'] })).rejects.toMatchObject({
      disposition: 'give-up',
    });
  });

  it('takes the account into KMS', async () => {
    const { accountUrl } = await aRegistered();
    const kms = createFakeKms();
    options = { ...options, signerFor: createSignerFor(kms.client), newAccountKmsKeyId: 'alias/acme' };
    await rollOverAccountKey(options, signal);
    expect(await read()).toEqual({ kmsKeyId: 'alias/acme', accountUrl });
    await use();
  });

  it('that happens elsewhere costs an open connection one retry', async () => {
    const { connect: open } = await aRegistered();
    await rollOverAccountKey(options, signal);
    await expect(use(open)).rejects.toMatchObject({ code: 'account-key-changed', disposition: 'retry' });
    await use(open);
  });

  it('is completed although its answer was lost', async () => {
    await aRegistered();
    const fault = ca.faults.add({ resource: 'keyChange', act: 'drop-after' });
    await rollOverAccountKey(options, signal);
    expect(fault.hits).toBe(1);
    expect((await read()).pendingKey).toBeUndefined();
    await use();
  });

  it('cut short before the CA heard of it goes on with the old key, and later with the same new one', async () => {
    const { before } = await aRegistered();
    const newKey = { privateKeyPem: generateAccountKey() };
    await accounts.offerKey(ca.directoryUrl, before, newKey);
    await use();
    expect((await read()).privateKeyPem).toBe(before.privateKeyPem);
    await rollOverAccountKey(options, signal);
    expect((await read()).privateKeyPem).toBe(newKey.privateKeyPem);
    await use();
  });

  it('cut short after the CA made it is found by the next worker, and by one that was at work', async () => {
    const { connect: open } = await aRegistered();
    await expect(rollOverAccountKey(dyingAtSave(), signal)).rejects.toThrow('killed');
    const { pendingKey } = await read();
    await expect(use(open)).rejects.toMatchObject({ code: 'account-key-changed' });
    await use(open);
    expect((await read()).privateKeyPem).toBe(pendingKey?.privateKeyPem);
    await use();
  });

  it('asked for again after that is done already', async () => {
    await aRegistered();
    await expect(rollOverAccountKey(dyingAtSave(), signal)).rejects.toThrow('killed');
    const { pendingKey } = await read();
    await rollOverAccountKey(options, signal);
    expect((await read()).privateKeyPem).toBe(pendingKey?.privateKeyPem);
  });

  it('that two ask for at once loses no key', async () => {
    await aRegistered();
    const both = await Promise.allSettled([
      rollOverAccountKey(options, signal),
      rollOverAccountKey(options, signal),
    ]);
    expect(both.map(({ status }) => status)).toContain('fulfilled');
    await use();
    expect((await read()).pendingKey).toBeUndefined();
  });

  it('to a key of another account is refused, and stands in nobody’s way', async () => {
    await aRegistered();
    const other = createMemoryAccountStore();
    await createAccountConnector({ ...options, accounts: other })(signal);
    const { privateKeyPem } = (await other.read(ca.directoryUrl)) ?? {};
    await expect(rollOverAccountKey(options, signal, { privateKeyPem })).rejects.toMatchObject({
      problem: { status: 409 },
    });
    expect((await read()).pendingKey).toBeUndefined();
    await rollOverAccountKey(options, signal);
    await use();
  });

  it('needs an account', async () => {
    await expect(rollOverAccountKey(options, signal)).rejects.toMatchObject({ code: 'account-missing' });
  });
});

describe('deactivating an account', () => {
  it('ends it for good: no worker registers another in its place', async () => {
    const { connect: open } = await aRegistered();
    await deactivateAccount(options, signal);
    await expect(use(open)).rejects.toMatchObject({ code: 'acme-unauthorized' });
    const asked = ca.ledger.requests.newAccount;
    await expect(use()).rejects.toMatchObject({ code: 'account-deactivated', disposition: 'give-up' });
    expect(ca.ledger.requests.newAccount).toBe(asked);
  });

  it('is completed by another attempt', async () => {
    await aRegistered();
    await expect(deactivateAccount(dyingAtSave(), signal)).rejects.toThrow('killed');
    await deactivateAccount(options, signal);
    expect((await read()).status).toBe('deactivated');
  });
});
