import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    exclude: ['test/browser/**'],
    coverage: {
      include: ['src/**'],
      exclude: ['src/indexeddb/**', 'src/indexeddb.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
