// Runs Stryker for one target, until it ends or the time is up.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, toolEnvironment } from '../workspace.mjs';

/** In which Stryker ends when it is told to. */
const GRACE_MS = 10_000;

/**
 * @param ranges the files or lines to mutate, as of `changedRanges`; without them, all
 * @param deadline in milliseconds since the epoch
 * @returns the mutants that were tried, how many were planned (undefined when it did not come to that), whether time was left,
 *   whether somebody interrupted it, and whether Stryker itself has failed
 */
export async function playTarget({ name }, { ranges, deadline }) {
  const timeLeft = deadline === undefined ? undefined : deadline - Date.now();
  if (timeLeft !== undefined && timeLeft <= 0) return { mutants: [], isComplete: false, hasFailed: false };
  const file = join(root, 'reports', 'mutation', name, ranges === undefined ? 'results.jsonl' : 'part.jsonl');
  rmSync(file, { force: true });
  const child = spawn(join(root, 'node_modules', '.bin', 'stryker'), ['run', 'stryker.config.mjs'], {
    cwd: root,
    // A group of its own, so that its runners end with it.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...toolEnvironment,
      SOTTO_MUTATION: name,
      SOTTO_MUTATION_RESULTS: file,
      ...(ranges && { SOTTO_MUTATION_RANGES: ranges.join() }),
    },
  });
  let isComplete = true;
  let isInterrupted = false;
  const timers = [];
  const end = (signal) => {
    isComplete = false;
    isInterrupted = signal !== undefined;
    process.kill(-child.pid, 'SIGTERM');
    timers.push(setTimeout(() => process.kill(-child.pid, 'SIGKILL'), GRACE_MS));
  };
  if (timeLeft !== undefined) timers.push(setTimeout(() => end(), timeLeft));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);
  const code = await new Promise((resolve) => child.on('close', resolve));
  timers.forEach(clearTimeout);
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, end);
  if (!isComplete) rmSync(join(root, '.stryker-tmp', name), { recursive: true, force: true });
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const [first, ...mutants] = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  return { mutants, planned: first?.planned, isComplete, isInterrupted, hasFailed: isComplete && code !== 0 };
}
