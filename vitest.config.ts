import { defineConfig } from 'vitest/config';
import { folders, projects, shared } from './vitest.projects.js';

/** Of these, 95 % of the lines are run by tests. */
const covered = [
  'agent',
  'conversations',
  'core',
  'crypto',
  'device',
  'double-ratchet',
  'group-log',
  'identity',
  'messenger',
  'protocol-codec',
  'sender-keys',
  'triple-ratchet',
  'x3dh',
]
  .map((name) => `packages/${name}`)
  .filter((folder) => folders.includes(folder));

/** `npm test`: the tests that need nothing but Node. Those in a browser, beside Go code and so on have configs of their own. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  test: {
    ...shared,
    projects: projects('test', {
      exclude: ['browser', 'chain', 'go', 'network', 'postgres', 'waku'].map((suite) => `test/${suite}/**`),
    }),
    // Only with `--coverage`, as CI runs it. Of these packages alone: to count the lines of all takes minutes.
    coverage: {
      include: covered.map((folder) => `${folder}/src/**`),
      exclude: ['packages/*/src/generated/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: Object.fromEntries(covered.map((folder) => [`${folder}/src/**`, { lines: 95 }])),
    },
  },
});
