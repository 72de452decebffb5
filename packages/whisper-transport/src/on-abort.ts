/** What runs when a signal fires. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs when the signal, which has not fired yet, does; unless what is given back is called before. Without a signal it
 * never runs. However many wait, a signal gets one listener: Node warns of a leak from the eleventh on.
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
