import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/go/**'], // see vitest.go.config.ts
    // Each has a process of its own beside it, and both wait much of the time.
    maxWorkers: 2,
    // Tests start processes, which may have to wait for their turn on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
