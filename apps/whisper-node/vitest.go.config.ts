import { defineConfig } from 'vitest/config';

/** Beside a real go-ethereum node. The first run builds it, which takes minutes. */
export default defineConfig({
  test: {
    include: ['test/go/**/*.test.ts'],
    globalSetup: ['@sotto/testing/geth/setup'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
