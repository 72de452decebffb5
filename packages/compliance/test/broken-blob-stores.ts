import { sha256 } from '@noble/hashes/sha2.js';
import { type BlobStore, copyBytes, encodeHex, isBytes, SottoError } from '@sotto/core';
import type { BlobStoreFixture } from '../src/blob-store.js';

/** A place in memory, and a store of it that keeps every promise. */
export class Shelf {
  readonly blobs = new Map<string, Uint8Array>();
  isAway = false;
  static readonly MOST = 70_000;

  store(): BlobStore {
    return new ReferenceBlobStore(this);
  }
}

/** Keeps every promise. Broken ones override what they break. */
class ReferenceBlobStore implements BlobStore {
  readonly name: string = 'shelf';
  readonly capabilities: BlobStore['capabilities'] = { maxBlobBytes: Shelf.MOST };
  protected readonly shelf: Shelf;

  constructor(shelf: Shelf) {
    this.shelf = shelf;
  }

  accepts(reference: string): boolean {
    return /^shelf:[0-9a-f]{64}$/.test(reference);
  }

  async put(blob: Uint8Array, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<string> {
    if (!isBytes(blob))
      throw new SottoError('INVALID_ARGUMENT', 'not bytes', { what: 'blob', reason: 'not bytes' });
    const own = copyBytes(blob);
    if (own.length > Shelf.MOST) throw tooMany(Shelf.MOST, own.length);
    this.check(signal);
    const reference = this.referenceOf(own);
    this.shelf.blobs.set(reference, own);
    return reference;
  }

  async get(
    reference: string,
    {
      signal,
      maxBytes = Shelf.MOST,
    }: { signal?: AbortSignal | undefined; maxBytes?: number | undefined } = {},
  ): Promise<Uint8Array> {
    this.checkReference(reference);
    this.check(signal);
    const blob = this.shelf.blobs.get(reference);
    if (blob === undefined) throw new SottoError('NOT_FOUND', 'not there', { what: 'blob', id: reference });
    if (blob.length > maxBytes) throw tooMany(maxBytes, blob.length);
    return copyBytes(blob);
  }

  async delete(reference: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.checkReference(reference);
    this.check(signal);
    this.shelf.blobs.delete(reference);
  }

  protected referenceOf(blob: Uint8Array): string {
    return `shelf:${encodeHex(sha256(blob))}`;
  }

  protected checkReference(reference: string): void {
    if (typeof reference !== 'string')
      throw new SottoError('INVALID_ARGUMENT', 'not a text', { what: 'reference', reason: 'not a text' });
    if (!this.accepts(reference))
      throw new SottoError('BLOB_REFUSED', 'not ours', { store: this.name, reason: 'not ours' });
  }

  protected check(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new SottoError('ABORTED', 'given up', { what: 'blob' });
    if (this.shelf.isAway)
      throw new SottoError('BLOB_UNAVAILABLE', 'away', { store: this.name, reason: 'away' });
  }
}

function tooMany(limit: number, actual: number): SottoError {
  return new SottoError('LIMIT_EXCEEDED', 'too large', { what: 'blob', limit, actual });
}

export function shelfFixture(Store: new (shelf: Shelf) => BlobStore = ReferenceBlobStore): BlobStoreFixture {
  const shelf = new Shelf();
  return {
    store: () => new Store(shelf),
    absent: [`shelf:${'ab'.repeat(32)}`],
    async interrupt() {
      shelf.isAway = true;
      return async () => {
        shelf.isAway = false;
      };
    },
  };
}

type Reference = typeof ReferenceBlobStore;

/** Stores with one fault each, and the cases that have to notice it. */
export const brokenBlobStores: readonly {
  readonly fault: string;
  readonly caughtBy: readonly string[];
  readonly Store: Reference;
}[] = [
  {
    fault: 'forgets what was put elsewhere',
    caughtBy: [
      'keeping: a blob is found by its reference, by others too',
      'keeping: the same blob again is fine',
    ],
    Store: class extends ReferenceBlobStore {
      readonly #own = new Set<string>();
      override async put(...args: Parameters<ReferenceBlobStore['put']>) {
        const reference = await super.put(...args);
        this.#own.add(reference);
        return reference;
      }
      override async get(...args: Parameters<ReferenceBlobStore['get']>) {
        if (!this.#own.has(args[0]))
          throw new SottoError('NOT_FOUND', 'not there', { what: 'blob', id: args[0] });
        return super.get(...args);
      }
    },
  },
  {
    fault: 'cuts blobs at 64 KiB',
    caughtBy: ['keeping: blobs of many sizes, and the largest'],
    Store: class extends ReferenceBlobStore {
      override put(blob: Uint8Array, options = {}) {
        return super.put(
          isBytes(blob) && blob.length <= Shelf.MOST ? blob.subarray(0, 65_536) : blob,
          options,
        );
      }
    },
  },
  {
    fault: 'takes bytes for text',
    caughtBy: ['keeping: every byte'],
    Store: class extends ReferenceBlobStore {
      override async get(...args: Parameters<ReferenceBlobStore['get']>) {
        const text = new TextDecoder().decode(await super.get(...args));
        return new TextEncoder().encode(text);
      }
    },
  },
  {
    fault: 'has no limit',
    caughtBy: ['keeping: one beyond the limit is refused'],
    Store: class extends ReferenceBlobStore {
      override put(blob: Uint8Array, options = {}) {
        return super.put(isBytes(blob) ? blob.subarray(0, Shelf.MOST) : blob, options);
      }
    },
  },
  {
    fault: 'refuses what is there already',
    caughtBy: ['keeping: the same blob again is fine'],
    Store: class extends ReferenceBlobStore {
      override async put(blob: Uint8Array, options = {}) {
        const before = this.shelf.blobs.size;
        const reference = await super.put(blob, options);
        if (this.shelf.blobs.size === before)
          throw new SottoError('BLOB_REFUSED', 'there already', { store: this.name, reason: 'there' });
        return reference;
      }
    },
  },
  {
    fault: 'gives simultaneous blobs one reference',
    caughtBy: ['keeping: 20 blobs at the same time'],
    Store: class extends ReferenceBlobStore {
      #last = '';
      protected override referenceOf(blob: Uint8Array) {
        if (this.#last === '') {
          this.#last = super.referenceOf(blob);
          void Promise.resolve().then(() => {
            this.#last = '';
          });
        }
        return this.#last;
      }
    },
  },
  {
    fault: 'finds empty blobs where there is nothing',
    caughtBy: [
      'keeping: what was never put is not found',
      'deleting: a blob is gone; again is fine; others stay',
    ],
    Store: class extends ReferenceBlobStore {
      override async get(...args: Parameters<ReferenceBlobStore['get']>) {
        try {
          return await super.get(...args);
        } catch (error) {
          if ((error as SottoError).code === 'NOT_FOUND') return new Uint8Array(0);
          throw error;
        }
      }
    },
  },
  {
    fault: 'keeps the bytes of its caller',
    caughtBy: ['bytes: the caller has its own back when put resolves'],
    Store: class extends ReferenceBlobStore {
      override async put(blob: Uint8Array, options = {}) {
        const reference = await super.put(blob, options);
        this.shelf.blobs.set(reference, blob);
        return reference;
      }
    },
  },
  {
    fault: 'lends its own bytes',
    caughtBy: ['bytes: what is found belongs to the one who asked'],
    Store: class extends ReferenceBlobStore {
      override async get(...args: Parameters<ReferenceBlobStore['get']>) {
        await super.get(...args);
        return this.shelf.blobs.get(args[0]) as Uint8Array;
      }
    },
  },
  {
    fault: 'takes the whole buffer of a view',
    caughtBy: ['bytes: every kind of Uint8Array is taken'],
    Store: class extends ReferenceBlobStore {
      override put(blob: Uint8Array, options = {}) {
        return super.put(isBytes(blob) ? new Uint8Array(blob.buffer) : blob, options);
      }
    },
  },
  {
    fault: 'takes lists of numbers',
    caughtBy: ['bytes: what is not a Uint8Array is refused'],
    Store: class extends ReferenceBlobStore {
      override put(blob: Uint8Array, options = {}) {
        return super.put(isBytes(blob) ? blob : Uint8Array.from(blob ?? []), options);
      }
    },
  },
  {
    fault: 'has no name',
    caughtBy: ['capabilities: name and largest blob are told'],
    Store: class extends ReferenceBlobStore {
      override readonly name = '';
    },
  },
  {
    fault: 'contacts whatever address it is given',
    caughtBy: ['references: those of others are not accepted, and not contacted'],
    Store: class extends ReferenceBlobStore {
      override accepts(reference: string) {
        return super.accepts(reference) || reference.startsWith('http');
      }
    },
  },
  {
    fault: 'takes anything for a reference',
    caughtBy: ['references: what is not a text is refused'],
    Store: class extends ReferenceBlobStore {
      protected override checkReference(reference: string) {
        super.checkReference(String(reference));
      }
    },
  },
  {
    fault: 'reads more than it may',
    caughtBy: ['limits: no more is read than the caller allows'],
    Store: class extends ReferenceBlobStore {
      override get(reference: string, { signal }: { signal?: AbortSignal } = {}) {
        return super.get(reference, { signal });
      }
    },
  },
  {
    fault: 'does not give up',
    caughtBy: ['giving up: before the call'],
    Store: class extends ReferenceBlobStore {
      protected override check() {
        super.check(undefined);
      }
    },
  },
  {
    fault: 'takes any signal for a fired one',
    caughtBy: ['giving up: a signal that never fires changes nothing'],
    Store: class extends ReferenceBlobStore {
      protected override check(signal: AbortSignal | undefined) {
        super.check(signal && AbortSignal.abort());
      }
    },
  },
  {
    fault: 'says "not found" while it is away',
    caughtBy: ['interruption: it is unavailable, and works again'],
    Store: class extends ReferenceBlobStore {
      protected override check(signal: AbortSignal | undefined) {
        if (this.shelf.isAway) throw new SottoError('NOT_FOUND', 'not there', { what: 'blob', id: '' });
        super.check(signal);
      }
    },
  },
];
