import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NodeProcess } from '@sotto/testing/whisper-node';

const program = join(
  dirname(createRequire(import.meta.url).resolve('@sotto/whisper-node/package.json')),
  'dist',
  'main.js',
);

/** Starts a Whisper node that has nothing but its relay. */
export function startNode(): Promise<NodeProcess> {
  return NodeProcess.start({ program, flags: ['--rpc', 'off', '--admin', 'off', '--p2p', 'off'] });
}
