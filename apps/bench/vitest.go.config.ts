import { defineConfig } from 'vitest/config';

/** Beside a Go node. The first run builds what it needs of it, which takes minutes. */
export default defineConfig({
  test: { include: ['test/go/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
});
