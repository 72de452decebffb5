import { defineConfig } from 'vitest/config';

/** Against a real go-ethereum node. The first run builds it, which takes minutes. */
export default defineConfig({
  test: {
    include: ['test/go/**/*.test.ts'],
    globalSetup: ['@sotto/testing/geth/setup'],
    fileParallelism: false,
    // The node works for its messages, on a machine that may be busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
