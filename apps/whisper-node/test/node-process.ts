import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';
import { NodeProcess } from '@sotto/testing/whisper-node';

export type { NodeProcess } from '@sotto/testing/whisper-node';

const program = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');

/** Starts the built program on loopback. */
export function startNode(
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<NodeProcess> {
  return NodeProcess.start({ program, flags, environment });
}
