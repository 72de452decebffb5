import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { covered } from './scripts/coverage.mjs';
import { folders, projects, shared } from './vitest.projects.js';

/** Of those whose tests run here. */
const counted = covered.filter((folder) => folders.includes(folder));

/** `npm test`: the tests that need nothing but Node. Those in a browser, beside Go code and so on have configs of their own. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    projects: projects('test', {
      exclude: ['browser', 'chain', 'go', 'network', 'postgres', 'waku'].map((suite) => `test/${suite}/**`),
    }),
    // Only with `--coverage`, as CI runs it.
    coverage: {
      provider: 'custom',
      customProviderModule: join(import.meta.dirname, 'scripts', 'coverage.mjs'),
      include: counted.map((folder) => `${folder}/src/**`),
      exclude: ['packages/*/src/generated/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: Object.fromEntries(counted.map((folder) => [`${folder}/src/**`, { lines: 95 }])),
    },
  },
});
