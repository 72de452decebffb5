import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each test starts processes, which may have to wait for their turn on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
