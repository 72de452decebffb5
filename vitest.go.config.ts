import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:go`: the tests beside Go code. The first run builds what it needs of that, which takes minutes. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  // One file at a time: the nodes work for their messages.
  test: {
    ...shared,
    fileParallelism: false,
    projects: projects('test/go', { globalSetup: ['@sotto/testing/geth/setup'] }),
  },
});
