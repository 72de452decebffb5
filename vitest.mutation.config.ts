import { defineConfig } from 'vitest/config';
import { keepWorker } from './scripts/mutation/kept-worker.mjs';
import { currentTarget } from './scripts/mutation/targets.mjs';

const { folder, tests, leftOut } = currentTarget();

/** The tests that mutation testing runs, see stryker.config.mjs. */
export default defineConfig({
  plugins: [keepWorker],
  test: {
    include: [`${folder}/${tests}`],
    exclude: leftOut.map((file) => `${folder}/${file}`),
    // A machine may be busy; mutants that never end Stryker ends.
    testTimeout: 300_000,
    isolate: false,
    setupFiles: ['scripts/mutation/setup.mjs'],
    // Node loads what is compiled by itself, much faster than through Vite.
    server: { deps: { external: [/\/(packages|apps)\/[^/]+\/dist\//] } },
  },
});
