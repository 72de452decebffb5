import { copyBytes, isSottoError } from '@sotto/core';

/** What a fuzzer, or a test without one, gives any bytes to. Each file `test/fuzz/NAME.ts` of a package exports one by default. */
export interface FuzzTarget {
  /** What is attacked, in a few words. */
  readonly about: string;
  /** Inputs to begin with, valid ones among them. Not called by the fuzzer, so it may read files. */
  seeds(): Iterable<Uint8Array>;
  /** Longest that an input may take, in milliseconds, where it plays a lot. Default: what any decoder may take. */
  readonly mostMs?: number;
  /** Whether `run` returns a promise. */
  readonly isAsync?: true;
  /**
   * Takes one input. Refusing it with a `SottoError` is right; throwing anything else is a finding, and so is taking long or much
   * memory. Throws `Finding` for what only the target can know, such as a state that changed although the input was refused.
   * @param data may be kept, but not changed
   */
  run(data: Uint8Array): void | Promise<void>;
}

/** A fault that a target has noticed itself. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** @throws Finding */
export function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Finding(what);
}

/** Runs what may be refused; `undefined` when it is. @throws anything but a `SottoError` */
export function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isSottoError(error)) return undefined;
    throw error;
  }
}

/** Makes decisions from an input, for targets that play operations. Past its end everything is zero. */
export class Decisions {
  readonly #data: Uint8Array;
  #position = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#data.length;
  }

  /** 0 to 255. */
  byte(): number {
    return this.#data[this.#position++] ?? 0;
  }

  /** A number below `count`, which is at most 256. */
  below(count: number): number {
    return this.byte() % count;
  }

  /** At most `most` bytes, which is at most 255: the next byte says how many. */
  bytes(most: number): Uint8Array {
    const length = this.below(most + 1);
    const bytes = copyBytes(this.#data.subarray(this.#position, this.#position + length));
    this.#position += length;
    return bytes;
  }
}
