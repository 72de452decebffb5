/** Callbacks by signal. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `run` when the signal, which must not have fired yet, fires; the returned function cancels that. Without a signal it is never
 * called. A signal gets a single listener for all callbacks, as Node.js warns of a leak from the eleventh listener on.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => {};
  const all = waiting.get(signal) ?? listenTo(signal);
  all.add(run);
  return () => all.delete(run);
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  waiting.set(signal, all);
  const runAll = () => {
    for (const run of [...all]) run();
  };
  signal.addEventListener('abort', runAll, { once: true });
  return all;
}
