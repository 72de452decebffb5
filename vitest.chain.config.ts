import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:chain`: the tests on a local chain. The first run installs it. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    fileParallelism: false,
    projects: projects('test/chain', { globalSetup: ['@sotto/testing/chain/setup'] }),
  },
});
