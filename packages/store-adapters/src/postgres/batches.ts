/**
 * Makes one call of many: what is added in the same turn, or while a call is in progress, goes into the next. So ten thousand
 * stores are opened, or closed, with some tens of statements.
 */
export class Batches<Input, Output> {
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  readonly #most: number;
  readonly #waiting: {
    readonly input: Input;
    resolve(output: Output): void;
    reject(error: unknown): void;
  }[] = [];
  #running = false;

  /**
   * @param run answers for each of the inputs, in their order
   * @param most inputs of one call
   */
  constructor(run: (inputs: readonly Input[]) => Promise<readonly Output[]>, most: number) {
    this.#run = run;
    this.#most = most;
  }

  /** Settles as the call that the input is part of. */
  add(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    // What the caller adds in the same turn comes along.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        const outputs = await this.#run(batch.map(({ input }) => input));
        for (const [i, { resolve }] of batch.entries()) resolve(outputs[i] as Output);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }
}
