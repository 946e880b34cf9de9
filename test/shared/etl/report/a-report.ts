import { booksOf } from '../../../../shared/etl/books/books.ts';
import type { Pipeline } from '../../../../shared/etl/definition/pipeline-schema.ts';
import { buildEtlReport, type EtlFacts } from '../../../../shared/etl/report/build-etl-report.ts';
import type { EtlReport } from '../../../../shared/etl/report/etl-report.ts';
import { aRun, noon, secondsLater } from '../ledger/builders.ts';
import { aContract, aPipeline } from '../transforms/pipelines.ts';

export const aDedupingPipeline = (changes: Record<string, unknown> = {}): Pipeline =>
  aPipeline({
    name: 'orders',
    source: {
      type: 'https',
      url: 'https://api.shop.example.com/v2/orders?region=eu',
      format: { type: 'json' },
    },
    contract: aContract(),
    transforms: [{ type: 'hash_pii', column: 'email', kind: 'email' }, { type: 'dedupe' }],
    quality: { nullRate: { age: { warn: 0.3 } }, duplicateRate: { fail: 0.5 } },
    ...changes,
  });

/** 100 records read, of which 90 are in the target. */
export const aLoadedRun = (overrides: Parameters<typeof aRun>[0] = {}) =>
  aRun({
    state: 'loaded',
    openedAt: noon,
    configHash: 'c0ffeec0ffeec0ffee',
    books: booksOf({
      extracted: 100,
      filtered: 4,
      quarantined: 3,
      duplicates: 3,
      staged: 90,
      inserted: 70,
      updated: 15,
      unchanged: 5,
    }),
    quality: {
      records: 100,
      nulls: { age: 25, email: 2 },
      violations: { 'type-mismatch': 2, required: 1 },
      violating: 3,
      newestAt: secondsLater(-90),
    },
    ...overrides,
  });

export const someFacts = (overrides: Partial<EtlFacts> = {}): EtlFacts => ({
  pipeline: aDedupingPipeline(),
  run: aLoadedRun(),
  finishedAt: secondsLater(12.34),
  connections: [
    {
      host: 'api.shop.example.com',
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      verified: true,
      fingerprint: 'ab'.repeat(32),
      expiresAt: '2027-02-01T03:00:00.000Z',
    },
  ],
  certificates: [
    {
      subject: 'client etl-orders.example.com',
      fingerprint: 'cd'.repeat(32),
      expiresAt: new Date('2026-12-24T03:00:00Z'),
      revocation: 'good',
    },
  ],
  destinations: [{ name: 's3 clean-data/people', inserted: 70, updated: 15, unchanged: 5 }],
  rawDeleted: 7,
  ...overrides,
});

export const aReport = (overrides: Partial<EtlFacts> = {}): EtlReport => buildEtlReport(someFacts(overrides));

export const aHeldReport = (): EtlReport =>
  aReport({
    run: aLoadedRun({ state: 'held', books: undefined, quality: undefined }),
    destinations: undefined,
    rawDeleted: undefined,
    heldFor: [
      {
        code: 'certificate-expires-soon',
        subject: 'client etl-orders.example.com',
        message: 'has 3 days left, and 7 are wanted',
        renew: 'etl-orders.example.com',
      },
    ],
  });

export const aFailedReport = (at = secondsLater(5)): EtlReport =>
  aReport({
    run: aLoadedRun({
      state: 'failed',
      failure: { class: 'terminal', code: 'quality-below-threshold', at, stage: 'transform' },
    }),
    destinations: undefined,
    rawDeleted: undefined,
  });
