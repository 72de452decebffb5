import { defineConfig } from 'vitest/config';
import { folders, projects, shared } from './vitest.projects.js';

/** What the projects need that don't need a go-ethereum node: an IPFS node, and a local chain. */
const needs = {
  'packages/attachments': ['@sotto/testing/kubo/setup'],
  'packages/directories': ['@sotto/testing/kubo/setup'],
  'packages/messenger': ['@sotto/testing/kubo/setup', '@sotto/testing/chain/setup'],
  'apps/chat-cli': ['@sotto/testing/kubo/setup', '@sotto/testing/chain/setup'],
  'apps/chat-web': ['@sotto/testing/kubo/setup', '@sotto/testing/chain/setup'],
};

const beside = [
  ...Object.entries(needs).flatMap(([folder, globalSetup]) => projects('test/go', { globalSetup }, [folder])),
  ...projects(
    'test/go',
    { globalSetup: ['@sotto/testing/geth/setup'] },
    folders.filter((folder) => !(folder in needs)),
  ),
];

/** `npm run test:go`: the tests beside Go code. The first run builds what it needs of that, which takes minutes. */
export default defineConfig({
  root: import.meta.dirname, // also when started in a package
  // One file at a time: the nodes work for their messages.
  test: { ...shared, fileParallelism: false, projects: beside },
});
