import { writeFileSync } from 'node:fs';
import { cpuUsage } from 'node:process';
import { getHeapStatistics } from 'node:v8';
import { encodeHex, SottoError } from '@sotto/core';
import { Finding, type FuzzTarget } from './target.js';

/** Longest that an input may take, in milliseconds of the processor: the shortest of {@link ATTEMPTS}. */
export const MOST_MS = 100;
/** Most that memory may grow by. */
export const MOST_BYTES = 50 * 1024 * 1024;

const ATTEMPTS = 4;

/**
 * Gives an input to a target, and resolves to whether it was accepted rather than refused. Doesn't return a promise unless the target
 * does.
 * @throws Finding, with its cause
 */
export function judge(target: FuzzTarget, data: Uint8Array, attempt = 1): boolean | Promise<boolean> {
  const memory = memoryInUse();
  const start = cpuUsage();
  const finish = (error: unknown) => {
    const { user, system } = cpuUsage(start);
    const elapsed = (user + system) / 1_000;
    const grown = memoryInUse() - memory;
    if (error !== undefined && !(error instanceof SottoError)) throw findingOf(error);
    if (grown > MOST_BYTES) throw new Finding(`Memory grows by ${Math.round(grown / 2 ** 20)} MiB.`);
    if (elapsed <= (target.mostMs ?? MOST_MS)) return error === undefined;
    if (attempt === ATTEMPTS) throw new Finding(`It takes ${Math.round(elapsed)} ms.`);
    return judge(target, data, attempt + 1);
  };
  let running: void | Promise<void>;
  try {
    running = target.run(data);
  } catch (error) {
    return finish(error);
  }
  return running === undefined ? finish(undefined) : running.then(() => finish(undefined), finish);
}

/** {@link judge}, which writes the input of a finding to a file, in hex, before it throws. */
export function judgeAndNote(target: FuzzTarget, data: Uint8Array, file: string): boolean | Promise<boolean> {
  const note = (error: unknown): never => {
    writeFileSync(file, encodeHex(data));
    throw error;
  };
  try {
    const judged = judge(target, data);
    return typeof judged === 'boolean' ? judged : judged.catch(note);
  } catch (error) {
    return note(error);
  }
}

function findingOf(error: unknown): Finding {
  return error instanceof Finding
    ? error
    : new Finding(`It throws something other than a SottoError: ${error}`, { cause: error });
}

function memoryInUse(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
