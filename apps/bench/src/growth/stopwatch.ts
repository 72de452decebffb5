/** Durations in microseconds: CPU time of all threads, and wall-clock time. */
export interface Spent {
  /** Independent of the load of the machine. */
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

/** The cost of each of several operations. */
export function each({ processor, wall }: Spent, operations: number): Spent {
  return { processor: processor / operations, wall: wall / operations };
}

export function inMilliseconds(spent: Spent): Spent {
  return each(spent, 1000);
}
