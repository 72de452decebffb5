import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';
import { NodeProcess, type NodeProcessOptions } from '@sotto/testing/whisper-node';

export type { NodeProcess } from '@sotto/testing/whisper-node';

const program = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');

/** Starts the built program, on loopback unless told otherwise. */
export function startNode(
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  where: Pick<NodeProcessOptions, 'address' | 'prefix'> = {},
): Promise<NodeProcess> {
  return NodeProcess.start({ program, flags, environment, ...where });
}
