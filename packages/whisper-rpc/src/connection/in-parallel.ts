/** Calls under way to a node at once. */
const CALLS_MOST = 16;

/** Runs over all items, some at a time. Fails as soon as one of them has, and begins no more. */
export async function inParallel<T>(items: Iterable<T>, run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items].values();
  let failed = false;
  const worker = async () => {
    for (const item of left) {
      if (failed) return;
      try {
        await run(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS_MOST }, worker));
}
