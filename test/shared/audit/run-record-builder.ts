import type { RunRecord } from '../../../shared/audit/run-record.ts';

const counts = (staged: number) => ({
  extracted: staged + 3,
  filtered: 1,
  quarantined: 1,
  duplicates: 1,
  staged,
  inserted: staged - 1,
  updated: 1,
  unchanged: 0,
});

export const aRunRecord = (overrides: Partial<RunRecord> = {}): RunRecord => ({
  version: 1,
  pipeline: 'orders',
  runId: '01933f2e-0000-7000-8000-000000000000',
  loadId: 'a'.repeat(64),
  scope: 'window/2026-11-21T11:00:00.000Z/2026-11-21T12:00:00.000Z',
  openedAt: '2026-11-21T12:00:00.000Z',
  committedAt: '2026-11-21T12:01:00.000Z',
  configHash: 'c0ffee',
  contractVersion: '3',
  manifestDigest: 'b'.repeat(64),
  sourceVersions: ['raw/0.ndjson@v0', 'raw/1.ndjson@v1'],
  chunks: [
    { chunkId: '00000-aa', digest: 'd0', counts: counts(7) },
    { chunkId: '00001-bb', digest: 'd1', counts: counts(5) },
  ],
  counts: {
    ...counts(12),
    extracted: 18,
    filtered: 2,
    quarantined: 2,
    duplicates: 2,
    inserted: 10,
    updated: 2,
  },
  keyIds: ['pii-hmac h1'],
  certificates: ['e'.repeat(64)],
  connections: [
    { host: 'api.example.com', protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', verified: true },
  ],
  audit: { seq: 0, hash: '0'.repeat(64) },
  ...overrides,
});
