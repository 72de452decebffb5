/** Calls of one kind that run simultaneously. */
const CONCURRENCY = 8;

/** Runs something for each item, a few simultaneously. */
export async function concurrently<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const next = items.values();
  const worker = async () => {
    for (const item of next) await run(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
