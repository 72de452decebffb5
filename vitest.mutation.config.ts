import { defineConfig } from 'vitest/config';

// The tests that mutation testing runs, see stryker.config.mjs.
export default defineConfig({
  test: {
    include: ['packages/{x3dh,double-ratchet,triple-ratchet}/test/**/*.test.ts'],
    testTimeout: 60_000,
  },
});
