/** What something took: of processors, all threads together, and of the clock on the wall. Microseconds. */
export interface Spent {
  /** Says what it costs, however many others want the processors. */
  readonly processor: number;
  readonly wall: number;
}

export async function timed(run: () => Promise<unknown>): Promise<Spent> {
  const [used, begin] = [process.cpuUsage(), performance.now()];
  await run();
  const wall = (performance.now() - begin) * 1000;
  const { user, system } = process.cpuUsage(used);
  return { processor: user + system, wall };
}

/** What each of several operations took. */
export function each({ processor, wall }: Spent, operations: number): Spent {
  return { processor: processor / operations, wall: wall / operations };
}

export function inMilliseconds(spent: Spent): Spent {
  return each(spent, 1000);
}
