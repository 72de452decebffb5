import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:browser`: the tests in Chromium. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  // Two browsers' tests at a time: pages mostly wait, but only so long for what others keep busy.
  test: { ...shared, maxWorkers: 2, testTimeout: 300_000, projects: projects('test/browser') },
});
