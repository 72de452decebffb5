import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use after all garbage was collected, those outside of the JavaScript heap included. */
export function usedMemory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The same once nothing is under way: what ended just now is held until later turns. */
export async function settledMemory(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    collect();
  }
  return usedMemory();
}
