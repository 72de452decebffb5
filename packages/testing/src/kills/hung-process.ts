import type { ChildProcess } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';

/** Within which a process has done its work, or died of it, on the slowest machine. */
const LIFE_MAX_MS = 180_000;

/**
 * Kills a process that is still there after three minutes: what it waits for was lost, and a test that waits with it would say nothing.
 * @returns throws when that was so; to be called when the process has ended
 */
export function killWhenHung(child: ChildProcess): () => void {
  let isHung = false;
  const timer = setTimeout(() => {
    isHung = true;
    child.kill('SIGKILL');
  }, LIFE_MAX_MS);
  child.on('close', () => clearTimeout(timer));
  return () => {
    if (isHung)
      throw new Error(`The process did nothing more, and had not ended after ${LIFE_MAX_MS / 1000} seconds.`);
  };
}
