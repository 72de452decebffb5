/** A measured function and the number of operations per call. */
export interface Measured {
  readonly operations: number;
  /** Returns the number of operations if it varies. */
  run(): Promise<void> | Promise<number>;
}

/** A request to a contestant's process. */
export interface Order {
  readonly scenario: string;
  readonly milliseconds: number;
}

/** Operations per second, or why there are none. */
export type Answer = { readonly perSecond: number } | { readonly error: string };

/**
 * The main loop of a contestant's process: measures what the parent requests. A scenario is prepared and warmed up once.
 *
 * @param cleanUp runs when the parent is done
 */
export function serveMeasurements(
  prepare: (scenario: string) => Promise<Measured>,
  cleanUp: () => void | Promise<void> = () => {},
): void {
  const prepared = new Map<string, Promise<Measured>>();

  async function measure({ scenario, milliseconds }: Order): Promise<number> {
    let preparing = prepared.get(scenario);
    if (preparing === undefined) {
      preparing = prepare(scenario);
      prepared.set(scenario, preparing);
      await repeat(await preparing, milliseconds / 2);
    }
    return repeat(await preparing, milliseconds);
  }

  process.on('message', (order: Order) => {
    measure(order).then(
      (perSecond) => process.send?.({ perSecond } satisfies Answer),
      (error) => process.send?.({ error: explain(error) } satisfies Answer),
    );
  });
  process.on('disconnect', async () => {
    await cleanUp();
    process.exit();
  });
}

async function repeat({ operations, run }: Measured, milliseconds: number): Promise<number> {
  const begin = performance.now();
  let done = 0;
  let passed = 0;
  do {
    done += (await run()) ?? operations;
    passed = performance.now() - begin;
  } while (passed < milliseconds);
  return (done / passed) * 1000;
}

const explain = (error: unknown) => (error instanceof Error ? error.message : String(error));
