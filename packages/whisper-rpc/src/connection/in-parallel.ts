/** Most calls to a node at the same time. */
const CALLS_MOST = 16;

/** Runs a call for each item, several at a time. Fails with the first error, and starts no further calls. */
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
