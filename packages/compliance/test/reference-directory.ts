import {
  type BundleCandidate,
  type BundleDirectory,
  type BundleDirectoryCapabilities,
  type BundlePublication,
  copyBytes,
  encodeHex,
  encodeUtf8,
  type FindBundlesOptions,
  KeyPair,
  type PrivateKey,
  type PublicKey,
  SottoError,
} from '@sotto/core';
import type { DirectoryFixture } from '../src/directory.js';

interface Published {
  readonly bundle: Uint8Array;
  readonly sequence: bigint;
}

/** What is published in a place. */
export class Board {
  readonly published = new Map<string, Published>();
  reachable = true;
}

/** The plainest directory that keeps every promise; its parts are methods, so that a test can break one. */
export class ReferenceDirectory implements BundleDirectory {
  readonly name: string = 'reference';
  readonly capabilities: BundleDirectoryCapabilities = {
    publishing: 'free',
    updatedBy: 'identity-key',
    maxBundleBytes: 4096,
  };

  constructor(protected readonly board: Board) {}

  async find(identity: PublicKey, options: FindBundlesOptions = {}): Promise<readonly BundleCandidate[]> {
    this.check(options.signal);
    const one = this.board.published.get(this.keyOf(identity));
    return one === undefined ? [] : [this.candidate(one.bundle)];
  }

  async publish(
    { identity, bundle, sequence }: BundlePublication,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.check(options.signal);
    const own = this.copyIn(bundle);
    this.checkSize(own);
    const key = this.keyOf(identity.publicKey);
    const before = this.board.published.get(key);
    if (before !== undefined && this.refuses(before.sequence, sequence)) {
      const details = { timestamp: sequence, known: before.sequence };
      throw new SottoError('BUNDLE_STALE', 'A newer one is there.', details);
    }
    this.board.published.set(key, { bundle: own, sequence });
  }

  keyOf(identity: PublicKey): string {
    return encodeHex(identity);
  }

  candidate(bundle: Uint8Array): BundleCandidate {
    return { bundle: copyBytes(bundle), source: 'the board' };
  }

  copyIn(bytes: Uint8Array): Uint8Array {
    return copyBytes(bytes, 'bundle');
  }

  refuses(before: bigint, sequence: bigint): boolean {
    return sequence < before;
  }

  checkSize({ length }: Uint8Array): void {
    const { maxBundleBytes } = this.capabilities;
    if (length <= maxBundleBytes) return;
    const details = { what: 'bundle', limit: maxBundleBytes, actual: length };
    throw new SottoError('LIMIT_EXCEEDED', 'Too large.', details);
  }

  check(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: this.name });
    if (this.board.reachable) return;
    const details = { directory: this.name, reason: 'interrupted' };
    throw new SottoError('DIRECTORY_UNAVAILABLE', 'It does not answer.', details);
  }
}

let made = 0;

/** @param Class what looks at the board */
export function boardFixture(
  Class: new (board: Board) => BundleDirectory = ReferenceDirectory,
): DirectoryFixture {
  const board = new Board();
  return {
    directory: () => new Class(board),
    identity: () => {
      // Nobody signs here; they only have to differ.
      const bytes = new Uint8Array(33).fill(2);
      new DataView(bytes.buffer).setUint32(29, ++made);
      return new KeyPair(bytes as PublicKey, new Uint8Array(32).fill(1) as PrivateKey);
    },
    bundle: (identity, sequence) => encodeUtf8(`${encodeHex(identity.publicKey)} ${sequence}`),
    async interrupt() {
      board.reachable = false;
      return async () => {
        board.reachable = true;
      };
    },
  };
}
