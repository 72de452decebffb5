import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:waku`: the tests with nodes of Waku. The first run installs them. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    projects: projects('test/waku', { globalSetup: ['@sotto/testing/waku/setup'] }),
  },
});
