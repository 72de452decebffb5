import type { BlobStore } from '@sotto/core';
import type { TimeLimit } from '../support/time-limit.js';

/** A place where stores put their blobs. Cases may share it, as each has blobs of its own. */
export interface BlobStoreFixture {
  /** The store, for one more who uses the same place. */
  store(): BlobStore;
  /** References in its form, to something that was never put there. At least one. */
  readonly absent: readonly string[];
  /** Makes the place unreachable until the returned function is called. */
  interrupt?(): Promise<() => Promise<void>>;
}

/** One requirement on a store of blobs. */
export interface BlobStoreCase {
  /** Unique; begins with what it is about, as in `keeping: ...`. */
  readonly name: string;
  /** Throws a plain Error that says what was expected when the store doesn't meet it. */
  run(fixture: BlobStoreFixture): Promise<void>;
}

let made = 0;

/** A blob unlike any other: what is put twice may be stored once. */
export function newBlob(length: number): Uint8Array {
  const blob = new Uint8Array(length);
  let state = ++made;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    blob[i] = state >>> 16;
  }
  if (length >= 8) new DataView(blob.buffer).setFloat64(0, made);
  return blob;
}

/** Calls to a place that can't hang. */
export class TestBlobs {
  readonly fixture: BlobStoreFixture;
  readonly timeLimit: TimeLimit;
  readonly store: BlobStore;

  constructor(fixture: BlobStoreFixture, timeLimit: TimeLimit) {
    this.fixture = fixture;
    this.timeLimit = timeLimit;
    this.store = fixture.store();
  }

  put(blob: Uint8Array): Promise<string> {
    return this.timeLimit.wait(this.store.put(blob), 'put resolves');
  }

  get(reference: string, store = this.fixture.store()): Promise<Uint8Array> {
    return this.timeLimit.wait(store.get(reference), 'get resolves');
  }
}

export function withBlobs(
  name: string,
  timeLimit: TimeLimit,
  run: (blobs: TestBlobs) => Promise<void>,
): BlobStoreCase {
  return { name, run: (fixture) => run(new TestBlobs(fixture, timeLimit)) };
}
