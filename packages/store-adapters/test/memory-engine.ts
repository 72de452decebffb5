import type { EngineChange, KeyRange, StorageEngine } from '../src/storage-engine.js';

/** What happens to the next write. */
export type Fault = 'not written, but fails' | 'written, but fails';

/** An engine in memory that fails when told to. Its `pairs` outlive it, as a disk does. */
export class MemoryEngine implements StorageEngine {
  readonly calls: string[] = [];
  nextWrite: Fault | undefined;
  /** How many attempts to reopen fail. */
  failingReopens = 0;
  /** How many reads fail. */
  failingReads = 0;
  open = true;

  constructor(readonly pairs: Map<string, Uint8Array> = new Map()) {}

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#enter('get');
    if (this.failingReads > 0) {
      this.failingReads--;
      throw new Error('read failed');
    }
    return keys.map((key) => this.pairs.get(key)?.slice());
  }

  async page({ from, exclusive, below }: KeyRange, limit: number): Promise<[string, Uint8Array][]> {
    this.#enter('page');
    const keys = [...this.pairs.keys()]
      .sort()
      .filter((key) => (exclusive ? key > from : key >= from) && key < below);
    const page = keys.slice(0, limit).map((key): [string, Uint8Array] => [key, this.pairs.get(key)!.slice()]);
    // Lets others run between reading and answering, as a disk does.
    await Promise.resolve();
    return page;
  }

  async write(changes: readonly EngineChange[]): Promise<void> {
    this.#enter('write');
    const fault = this.nextWrite;
    this.nextWrite = undefined;
    await Promise.resolve();
    if (fault !== 'not written, but fails') {
      for (const { key, value } of changes) {
        if (value === undefined) this.pairs.delete(key);
        else this.pairs.set(key, value.slice());
      }
    }
    if (fault) throw Object.assign(new Error('write failed'), { code: 'EIO' });
  }

  async close(): Promise<void> {
    this.#enter('close');
    this.open = false;
  }

  #enter(call: string): void {
    this.calls.push(call);
    if (!this.open) throw new Error(`${call} of a closed engine`);
  }
}

/**
 * An engine that can't tell after a failed write whether it took effect: until it is opened again it shows the old
 * state, and refuses further writes.
 */
export class DoubtfulEngine extends MemoryEngine {
  #shown: Map<string, Uint8Array> | undefined;

  override async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const stored = await super.get(keys);
    const shown = this.#shown;
    return shown ? keys.map((key) => shown.get(key)) : stored;
  }

  override async page(range: KeyRange, limit: number): Promise<[string, Uint8Array][]> {
    const page = await super.page(range, limit);
    return this.#shown ? new MemoryEngine(this.#shown).page(range, limit) : page;
  }

  override async write(changes: readonly EngineChange[]): Promise<void> {
    if (this.#shown) throw new Error('write before reopening');
    const before = new Map(this.pairs);
    try {
      await super.write(changes);
    } catch (error) {
      this.#shown = before;
      throw error;
    }
  }

  async reopen(): Promise<void> {
    this.calls.push('reopen');
    this.open = false;
    if (this.failingReopens > 0) {
      this.failingReopens--;
      throw Object.assign(new Error('cannot open'), { code: 'ENOSPC' });
    }
    this.open = true;
    this.#shown = undefined;
  }
}
