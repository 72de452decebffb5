import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:network`: the tests over a network with faults, in network namespaces. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    // A lost message fails a test by a word on it, after a minute and a half.
    testTimeout: 240_000,
    projects: projects('test/network', { globalSetup: ['@sotto/testing/network/setup'] }),
  },
});
