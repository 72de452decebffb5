import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use after a full garbage collection, including those outside the JavaScript heap. */
export function usedMemory(): number {
  collect();
  // What is outside the heap is freed behind a collection, and no later than at the next one.
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Like {@link usedMemory}, after pending work has finished and been released. */
export async function settledMemory(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    collect();
  }
  return usedMemory();
}
