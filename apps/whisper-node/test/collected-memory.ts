import type { NodeProcess } from './node-process.js';

/** In the environment of a node: lets garbage be collected from outside, so that what is held on to can be seen. */
export const COLLECTS = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `import v8 from 'node:v8'; import vm from 'node:vm'; v8.setFlagsFromString('--expose-gc');
     const gc = vm.runInNewContext('gc'); process.on('SIGUSR2', () => gc());`,
  )}`,
};

/** Megabytes on a collected heap, buffers included. */
export async function collectedMegabytes(node: NodeProcess): Promise<number> {
  // Once more, after a call that takes longer: buffers are let go of after the collection that found them.
  node.signal('SIGUSR2');
  await node.metric('whisper_node_pool_bytes');
  node.signal('SIGUSR2');
  await node.metric('whisper_node_pool_bytes');
  const names = ['nodejs_heap_size_used_bytes', 'nodejs_external_memory_bytes'];
  const sizes = await Promise.all(names.map((name) => node.metric(name)));
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6;
}
