import { afterEach, expect, it } from 'vitest';
import { createAccountConnector } from '../../../shared/acme/account.ts';
import { createMemoryAccountStore } from '../../../shared/acme/accounts.memory.ts';
import { createTransport } from '../../../shared/acme/transport.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { mapBounded } from '../../../shared/runtime/concurrency.ts';
import { type CaWithProofs, startCaWithProofs } from '../../local/ca/ca-client.ts';
import { obtain } from './obtain.ts';

let setup: CaWithProofs | undefined;
afterEach(() => setup?.stop());

/** Requests per certificate, of all kinds, while `count` certificates are obtained. */
async function measure(count: number, atOnce: number, options: Parameters<typeof startCaWithProofs>[0]) {
  const started = await startCaWithProofs({ authorizationReuse: false, ...options });
  setup = started;
  const { ca, http } = started;
  const connection = await createAccountConnector({
    directoryUrl: ca.directoryUrl,
    accounts: createMemoryAccountStore(),
    contacts: [],
    transport: createTransport({ roots: ca.rootPem }),
    clock: systemClock,
  })(AbortSignal.timeout(60_000));
  const names = Array.from({ length: count }, (_, index) => `n${index}.example.com`);
  await mapBounded(names, atOnce, (name) =>
    obtain(connection, { domains: [name] }, ({ domain, token, keyAuthorization }) =>
      http.answers.set(`${domain}/${token}`, keyAuthorization),
    ),
  );
  const { newNonce = 0, order = 0, ...others } = ca.ledger.requests;
  const rest = Object.values(others).reduce((sum, requests) => sum + requests, 0);
  return {
    newNonce: newNonce / count,
    order: order / count,
    rest: rest / count,
    issued: ca.ledger.issued.length,
  };
}

it.each([[8], [16]])('costs hardly a nonce per certificate with %i renewals at once', async (atOnce) => {
  const { newNonce, rest, issued } = await measure(100, atOnce, {});
  expect(issued).toBe(100);
  // newOrder, authorization, challenge, finalize, certificate; beside them directory and account once.
  expect(rest).toBeLessThanOrEqual(5.1);
  expect(newNonce).toBeLessThan(0.1);
});

it('obtains every certificate, and no second one, where three nonces in four are refused', async () => {
  const { issued } = await measure(20, 8, { badNonceRate: 0.75 });
  expect(issued).toBe(20);
});
