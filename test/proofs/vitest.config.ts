import { defineConfig } from 'vitest/config';

/** What takes minutes to prove: every kill point, every interleaving, whole batches under limits. */
export default defineConfig({
  test: {
    include: ['test/proofs/**/*.test.ts'],
    maxWorkers: '100%',
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
