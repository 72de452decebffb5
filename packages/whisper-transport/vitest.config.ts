import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/go/**'], // see vitest.go.config.ts
    coverage: { include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
  },
});
