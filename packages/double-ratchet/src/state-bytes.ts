import { compareBytes, copyBytes, parseBytes, SottoError, wipeBytes } from '@sotto/core';
import { MAX_COUNTER } from './header.js';
import type { SkippedRun } from './skipped-keys.js';

const MOST = 0xffff;
const MOST_COUNTED = 0xffff_ffff;
/** Most states fit. */
const INITIAL_LENGTH = 512;
const NO_BYTES = new Uint8Array(0);

/** Writes a state as bytes, integers big-endian. */
export class StateWriter {
  readonly #what: string;
  #bytes: Uint8Array;
  #length = 0;

  /**
   * @param what names the state in errors, as in `ratchet state`
   * @param room bytes that there is room for at once; it grows where that isn't enough
   */
  constructor(what: string, room = INITIAL_LENGTH) {
    this.#what = what;
    this.#bytes = new Uint8Array(room);
  }

  #integer(value: number, length: number): void {
    if (value > MOST_COUNTED) throw this.tooMany(`counter of a ${this.#what}`, MOST_COUNTED, value);
    const at = this.#grow(length);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = value >>> (8 * (length - 1 - i));
  }

  /** Makes room for so many bytes. @returns where they go */
  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      wipeBytes(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }

  /** One byte. */
  u8(value: number): void {
    this.#integer(value, 1);
  }

  /** Two bytes. */
  u16(value: number): void {
    this.#integer(value, 2);
  }

  /**
   * Four bytes.
   * @throws LIMIT_EXCEEDED beyond 2^32 - 1
   */
  u32(value: number): void {
    this.#integer(value, 4);
  }

  /** The bytes as they are, without their number. */
  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /**
   * An index of skipped keys: count of chains 2, each: key, number of runs 2, each run: first 4, count 2, stored at 4. Adjacent runs of one
   * chain are written under one key. Counts that exceed two bytes are split: a run of 70,000 keys is written as two runs, and 70,000 runs
   * of one chain under its key twice.
   * @throws LIMIT_EXCEEDED when they belong to more than 65,535 chains
   */
  skipped(index: readonly SkippedRun[]): void {
    const chains = groupByChain(index);
    if (chains.length > MOST) throw this.tooMany('chains with skipped keys', MOST, chains.length);
    this.u16(chains.length);
    for (const runs of chains) {
      this.bytes((runs[0] as SkippedRun).key);
      this.u16(runs.length);
      for (const run of runs) {
        this.u32(run.first);
        this.u16(run.count);
        this.u32(run.storedAt);
      }
    }
  }

  /** Everything written; fresh. Nothing of it stays here. */
  finish(): Uint8Array {
    const written = copyBytes(this.#bytes.subarray(0, this.#length));
    wipeBytes(this.#bytes);
    this.#bytes = NO_BYTES;
    this.#length = 0;
    return written;
  }

  /** The error of what can't be written. */
  tooMany(what: string, limit: number, actual: number): SottoError {
    return new SottoError('LIMIT_EXCEEDED', `The ${this.#what} can't be stored: ${what}.`, {
      what,
      limit,
      actual,
    });
  }
}

/** Reads what a {@link StateWriter} wrote. */
export class StateReader {
  readonly #what: string;
  readonly #input: Uint8Array;
  #at = 0;

  /**
   * @param what names the state in errors, as in `ratchet state`
   * @throws INVALID_ARGUMENT
   */
  constructor(what: string, input: Uint8Array) {
    this.#what = what;
    this.#input = parseBytes(input, what);
  }

  /**
   * So many bytes; fresh.
   * @throws STATE_CORRUPT when there are fewer
   */
  bytes(length: number): Uint8Array {
    return copyBytes(this.#next(length));
  }

  #next(length: number): Uint8Array {
    if (this.#input.length - this.#at < length) throw this.corrupt('it ends too early');
    this.#at += length;
    return this.#input.subarray(this.#at - length, this.#at);
  }

  #integer(length: number): number {
    return this.#next(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** One byte. */
  u8(): number {
    return this.#integer(1);
  }

  /** Two bytes. */
  u16(): number {
    return this.#integer(2);
  }

  /** Four bytes. */
  u32(): number {
    return this.#integer(4);
  }

  /**
   * What `skipped` of the writer wrote.
   * @param keyLength bytes of a chain's key
   * @throws STATE_CORRUPT
   */
  skipped(keyLength: number): SkippedRun[] {
    const index: SkippedRun[] = [];
    for (let chains = this.u16(); chains > 0; chains--) {
      const key = this.bytes(keyLength);
      for (let runs = this.u16(); runs > 0; runs--) {
        const run = { key, first: this.u32(), count: this.u16(), storedAt: this.u32() };
        if (run.count === 0 || run.first + run.count > MAX_COUNTER + 1) {
          throw this.corrupt('impossible skipped keys');
        }
        index.push(run);
      }
    }
    return index;
  }

  /**
   * The first byte, which is the version of what follows.
   * @throws STATE_VERSION_UNSUPPORTED unless it is the expected one
   */
  version(expected: number): void {
    const version = this.u8();
    if (version === expected) return;
    throw new SottoError(
      'STATE_VERSION_UNSUPPORTED',
      `The ${this.#what} has an unknown version: ${version}.`,
      {
        what: this.#what,
        version,
      },
    );
  }

  /**
   * Ends the reading.
   * @throws STATE_CORRUPT unless everything has been read
   */
  end(): void {
    if (this.#at !== this.#input.length) throw this.corrupt('bytes follow its end');
  }

  /** The error of a state that can't be read. */
  corrupt(reason: string): SottoError {
    return new SottoError('STATE_CORRUPT', `The stored ${this.#what} cannot be read.`, {
      what: this.#what,
      reason,
    });
  }
}

function groupByChain(index: readonly SkippedRun[]): SkippedRun[][] {
  const groups: SkippedRun[][] = [];
  for (const run of index.flatMap(partsOf)) {
    const last = groups.at(-1);
    const same = last?.[0] !== undefined && compareBytes(last[0].key, run.key) === 0;
    if (last !== undefined && same && last.length < MOST) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** The run in pieces whose counts can be written. */
function partsOf(run: SkippedRun): SkippedRun[] {
  const parts: SkippedRun[] = [];
  for (let done = 0; done < run.count; done += MOST) {
    parts.push({ ...run, first: run.first + done, count: Math.min(MOST, run.count - done) });
  }
  return parts;
}
