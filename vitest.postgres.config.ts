import { defineConfig } from 'vitest/config';
import { projects, shared } from './vitest.projects.js';

/** `npm run test:postgres`: the tests with PostgreSQL servers, which they start. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    projects: projects('test/postgres', { globalSetup: ['@sotto/testing/postgres/setup'] }),
  },
});
