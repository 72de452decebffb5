import { useState } from 'preact/hooks';

/** Something that takes a while and may fail, started by a person: whether it runs, and what went wrong. */
export interface Task {
  readonly busy: boolean;
  readonly error: unknown;
  /** Runs it, unless it runs already. Resolves to whether it went well. */
  run(work: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

export function useTask(): Task {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  return {
    busy,
    error,
    async run(work) {
      if (busy) return false;
      setBusy(true);
      setError(undefined);
      // The page shows that it is busy before the work keeps it from drawing.
      await new Promise((resolve) => setTimeout(resolve));
      try {
        await work();
        return true;
      } catch (failure) {
        setError(failure);
        return false;
      } finally {
        setBusy(false);
      }
    },
    clear: () => setError(undefined),
  };
}
