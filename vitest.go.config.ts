import { defineConfig } from 'vitest/config';
import { folders, projects, shared } from './vitest.projects.js';

/** The projects that need an IPFS node; the others need a go-ethereum node. */
const besideKubo = ['packages/directories'];

const kubo = projects('test/go', { globalSetup: ['@sotto/testing/kubo/setup'] }, besideKubo);
const geth = projects(
  'test/go',
  { globalSetup: ['@sotto/testing/geth/setup'] },
  folders.filter((folder) => !besideKubo.includes(folder)),
);

/** `npm run test:go`: the tests beside Go code. The first run builds what it needs of that, which takes minutes. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  // One file at a time: the nodes work for their messages.
  test: { ...shared, fileParallelism: false, projects: [...kubo, ...geth] },
});
