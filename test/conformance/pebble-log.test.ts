import { expect, it } from 'vitest';
import { countPebbleLog } from './pebble-log.ts';

it('counts requests, the orders created and the orders issued from Pebble\u2019s log', () => {
  const log = `
Pebble 2026/11/22 02:40:01 GET /dir -> calling handler()
Pebble 2026/11/22 02:40:01 HEAD /nonce-plz -> calling handler()
Pebble 2026/11/22 02:40:01 POST /sign-me-up -> calling handler()
Pebble 2026/11/22 02:40:01 There are now 1 accounts in memory
Pebble 2026/11/22 02:40:02 POST /order-plz -> calling handler()
Pebble 2026/11/22 02:40:02 POST /order-plz -> calling handler()
Pebble 2026/11/22 02:40:02 Added order "abc-1" to the db
Pebble 2026/11/22 02:40:02 Added order "abc-2" to the db
Pebble 2026/11/22 02:40:02 There are now 2 orders in the db
Pebble 2026/11/22 02:40:03 Issued certificate serial 1a2b for order abc-1
`;
  expect(countPebbleLog(log.split('\n'))).toEqual({
    requests: { 'GET /dir': 1, 'HEAD /nonce-plz': 1, 'POST /sign-me-up': 1, 'POST /order-plz': 2 },
    certificateRequests: 3,
    ordersCreated: ['abc-1', 'abc-2'],
    ordersIssued: ['abc-1'],
  });
});
