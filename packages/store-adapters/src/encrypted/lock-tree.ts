import { sha256 } from '@noble/hashes/sha2.js';
import {
  compareBytes,
  concatBytes,
  isSottoError,
  type RandomSource,
  SottoError,
  type Store,
  type Write,
  wipeBytes,
} from '@sotto/core';
import { decodeName } from './hidden-key.js';
import { createLock, type Lock } from './lock.js';
import { type Child, childOf, digitOf, groupByDigit, LockNode, withChild } from './lock-node.js';
import { decodeVersion, encodeVersion, RecordSealer, VERSION_LENGTH } from './sealed-record.js';

const ROOT = 'v';
const CHECKSUM_LENGTH = 8;
/** Records that a leaf speaks for before it becomes a branch: some 1.8 kB. */
const LEAF_SIZE = 32;

/** The tree as it will be when `writes` are stored. */
export interface StagedTree {
  readonly writes: readonly Write[];
  /** To be called when they are. */
  readonly apply: () => void;
}

/** A record, and the lock that it gets; none when it is deleted. */
export interface LockChange {
  /** The record's hidden name. */
  readonly name: string;
  readonly lock: Lock | undefined;
}

interface Change {
  readonly name: Uint8Array;
  readonly lock: Lock | undefined;
}

/** What the root is sealed under, and what it says of the keyring. */
export interface RootKey {
  /** 32 bytes; borrowed. */
  readonly dataKey: Uint8Array;
  /** The version of the keyring that holds it. */
  readonly keyringVersion: number;
}

/** A commit in the making: its version, and the nodes as it leaves them. Empty ones are no more. */
interface Stage {
  readonly version: number;
  readonly nodes: Map<string, { readonly node: LockNode; readonly lock: Lock }>;
}

/**
 * The locks of all records: which version each has to have, so that an old one put back is noticed, and the key that
 * opens it, so that an old one can't be opened any more.
 *
 * A tree of sealed nodes. Each five bits of a record's name, which are as good as random, choose one of 32 ways: from
 * the root to a branch, from there to a leaf; a leaf that grows too large becomes a branch with leaves of its own. A
 * leaf holds the locks of records, a branch those of the nodes below it; the root is sealed under the data key, and holds
 * the version of the keyring besides. A commit gives new locks to its records and to the nodes on the way to each of
 * them: 5 kB a record at most, however many there are. So from the root one comes to what is there now, and to nothing
 * that was replaced or deleted: whoever puts back or opens an old node needs all old nodes above it.
 */
export class LockTree {
  /** The version of the root: that of the last commit. */
  version: number;
  #rootKey: RootKey;
  readonly #store: Store;
  readonly #randomBytes: RandomSource;
  /** What was read or written of the tree. A node is here only if those above it are. */
  readonly #nodes = new Map<string, LockNode>();

  private constructor(
    store: Store,
    randomBytes: RandomSource,
    version: number,
    rootKey: RootKey,
    root: LockNode,
  ) {
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.version = version;
    this.#rootKey = rootKey;
    this.#nodes.set(ROOT, root);
  }

  /** The tree of a store without records, and the write that makes it; its version is that of the keyring. */
  static create(store: Store, randomBytes: RandomSource, rootKey: RootKey): { tree: LockTree; write: Write } {
    const root = new LockNode(true);
    const version = rootKey.keyringVersion;
    const tree = new LockTree(store, randomBytes, version, rootKey, root);
    return { tree, write: { ...tree.#sealRoot(version, rootKey, root), expect: 'absent' } };
  }

  /** @throws STORE_CORRUPT; STORE_ROLLBACK when it belongs to another keyring; STORE_UNAVAILABLE */
  static async load(
    store: Store,
    randomBytes: RandomSource,
    rootKey: RootKey,
  ): Promise<{ tree: LockTree; revision: number }> {
    const record = await store.get(ROOT);
    if (!record) throw missing('version index');
    const { keyringVersion } = rootKey;
    const { keyring, sealed } = parseRoot(record.value);
    // The key of an older keyring wouldn't open it.
    if (keyring !== keyringVersion) throw rolledBack('keyring');
    const sealer = new RecordSealer(rootKey.dataKey, randomBytes);
    const { version, plaintext } = sealer.open(ROOT, sealed, 'version index');
    if (decodeVersion(plaintext) !== keyringVersion) throw rolledBack('keyring');
    const root = new LockNode(true, plaintext.subarray(VERSION_LENGTH));
    const tree = new LockTree(store, randomBytes, version, rootKey, root);
    return { tree, revision: record.revision };
  }

  /** The version of the keyring: that of the commit that wrote it. */
  get keyringVersion(): number {
    return this.#rootKey.keyringVersion;
  }

  /**
   * The lock of a record, `undefined` when there must be none.
   * @throws STORE_CORRUPT, STORE_ROLLBACK when the nodes above it aren't right, STORE_UNAVAILABLE
   */
  async lockOf(name: string): Promise<Lock | undefined> {
    const bytes = decodeName(name);
    let node = this.#root;
    for (let key = ROOT, depth = 0; node.isBranch; depth++) {
      const digit = digitOf(bytes, depth);
      key = below(key, digit);
      node = this.#nodes.get(key) ?? (await this.#read(key, childOf(node, digit, depth)));
    }
    return node.lockOf(bytes);
  }

  /**
   * Gives records new locks, or none to those that are deleted.
   *
   * Where a node can't be opened any more, a new one begins: the other records that it spoke for are told by
   * {@link lockOf} as what should not be there, and the store goes on.
   * @param rootKey what to seal the root under from now on; default as before
   */
  async stage(
    version: number,
    records: readonly LockChange[],
    rootKey: RootKey = this.#rootKey,
  ): Promise<StagedTree> {
    const changes = records.map(({ name, lock }) => ({ name: decodeName(name), lock }));
    const stage: Stage = { version, nodes: new Map() };
    await this.#changeBranch(stage, ROOT, 0, this.#root, changes);
    const writes = [...stage.nodes].map(([key, { node, lock }]): Write => {
      if (LockTree.isRoot(key)) return this.#sealRoot(version, rootKey, node);
      if (node.size === 0) return { type: 'delete', key };
      const sealer = new RecordSealer(lock.key, this.#randomBytes);
      return { type: 'put', key, value: sealer.seal(key, version, node.bytes) };
    });
    return {
      writes,
      apply: () => {
        for (const [key, { node }] of stage.nodes) this.#nodes.set(key, node);
        this.version = version;
        this.#rootKey = rootKey;
      },
    };
  }

  /** Forgets the keys, as far as that is possible. */
  destroy(): void {
    for (const node of this.#nodes.values()) wipeBytes(node.bytes);
    this.#nodes.clear();
  }

  /** Whether a key of the store underneath is the root's. */
  static isRoot(innerKey: string): boolean {
    return innerKey === ROOT;
  }

  get #root(): LockNode {
    return this.#nodes.get(ROOT) as LockNode;
  }

  /** Stages the changes below a branch, and the branch. */
  async #changeBranch(
    stage: Stage,
    key: string,
    depth: number,
    branch: LockNode,
    changes: readonly Change[],
  ): Promise<LockNode> {
    let changed = branch;
    for (const [digit, own] of groupByDigit(changes, ({ name }) => digitOf(name, depth))) {
      const at = below(key, digit);
      const before = this.#nodes.get(at) ?? (await this.#readOrBegin(at, childOf(branch, digit, depth)));
      const after = before.isBranch
        ? await this.#changeBranch(stage, at, depth + 1, before, own)
        : this.#stageLeaf(stage, at, depth + 1, changeLeaf(before, own));
      changed = withChild(changed, digit, depth, after, lockOfNode(stage, at));
    }
    return this.#stageNode(stage, key, changed);
  }

  /** Stages a leaf, or the branch that it becomes. */
  #stageLeaf(stage: Stage, key: string, depth: number, leaf: LockNode): LockNode {
    if (leaf.size <= LEAF_SIZE) return this.#stageNode(stage, key, leaf);
    let branch = new LockNode(true);
    for (const [digit, entries] of groupByDigit(leaf.entries(), (entry) => digitOf(entry, depth))) {
      const at = below(key, digit);
      const child = this.#stageLeaf(stage, at, depth + 1, new LockNode(false, concatBytes(...entries)));
      branch = withChild(branch, digit, depth, child, lockOfNode(stage, at));
    }
    return this.#stageNode(stage, key, branch);
  }

  #stageNode(stage: Stage, key: string, node: LockNode): LockNode {
    stage.nodes.set(key, { node, lock: createLock(stage.version, this.#randomBytes) });
    return node;
  }

  /** Reads a node that has to be as its parent says. */
  async #read(key: string, { lock, isBranch }: Child): Promise<LockNode> {
    const read = new LockNode(isBranch, lock && (await this.#open(key, lock)));
    // Unless a commit has put a newer one there meanwhile.
    const node = this.#nodes.get(key) ?? read;
    this.#nodes.set(key, node);
    return node;
  }

  async #readOrBegin(key: string, child: Child): Promise<LockNode> {
    try {
      return await this.#read(key, child);
    } catch (error) {
      if (!isSottoError(error, 'STORE_CORRUPT') && !isSottoError(error, 'STORE_ROLLBACK')) throw error;
      return new LockNode(child.isBranch);
    }
  }

  async #open(key: string, lock: Lock): Promise<Uint8Array> {
    const record = await this.#store.get(key);
    if (!record) throw missing('part of the version index');
    return openLocked(key, record.value, lock, 'part of the version index', this.#randomBytes);
  }

  #sealRoot(
    version: number,
    { dataKey, keyringVersion }: RootKey,
    root: LockNode,
  ): Extract<Write, { type: 'put' }> {
    const keyring = encodeVersion(keyringVersion);
    const sealer = new RecordSealer(dataKey, this.#randomBytes);
    const sealed = sealer.seal(ROOT, version, concatBytes(keyring, root.bytes));
    return { type: 'put', key: ROOT, value: concatBytes(checksum(keyring, sealed), keyring, sealed) };
  }
}

function changeLeaf(leaf: LockNode, changes: readonly Change[]): LockNode {
  return changes.reduce((node, { name, lock }) => (lock ? node.with(name, lock) : node.without(name)), leaf);
}

/** The lock of a node that was staged. */
function lockOfNode(stage: Stage, key: string): Lock {
  return (stage.nodes.get(key) as { readonly lock: Lock }).lock;
}

/**
 * What is sealed at a place with a lock; fresh.
 * @param what what the errors call it
 * @throws STORE_ROLLBACK when it was written by another commit; STORE_CORRUPT
 */
export function openLocked(
  innerKey: string,
  sealed: Uint8Array,
  lock: Lock,
  what: string,
  randomBytes: RandomSource,
): Uint8Array {
  // The version in the clear only tells what is old from what is damaged; what doesn't open is neither way let in.
  if (sealed.length >= VERSION_LENGTH && decodeVersion(sealed) < lock.version) throw rolledBack(what);
  const { version, plaintext } = new RecordSealer(lock.key, randomBytes).open(innerKey, sealed, what);
  if (version !== lock.version) throw rolledBack(what);
  return plaintext;
}

/**
 * Takes the root apart: checksum (8) || version of the keyring (8) || sealed [version of the keyring (8) || entries]. The
 * checksum begins SHA-256 of all behind it: it tells damage from a keyring that was put back, and protects from nothing.
 * @throws STORE_CORRUPT
 */
function parseRoot(bytes: Uint8Array): { readonly keyring: number; readonly sealed: Uint8Array } {
  const rest = bytes.subarray(CHECKSUM_LENGTH);
  if (
    rest.length < VERSION_LENGTH ||
    compareBytes(bytes.subarray(0, CHECKSUM_LENGTH), checksum(rest)) !== 0
  ) {
    throw new SottoError('STORE_CORRUPT', 'Damaged: version index.', { what: 'version index' });
  }
  return { keyring: decodeVersion(rest), sealed: rest.subarray(VERSION_LENGTH) };
}

function checksum(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concatBytes(...parts)).subarray(0, CHECKSUM_LENGTH);
}

/** The key of the node that a digit leads to. */
function below(key: string, digit: number): string {
  return `${key}/${String(digit).padStart(2, '0')}`;
}

/** The error of something that is older than it has to be. */
export function rolledBack(what: string): SottoError<'STORE_ROLLBACK'> {
  return new SottoError('STORE_ROLLBACK', `An old copy was put back: ${what}.`, { what });
}

/** The error of something that has to be there and isn't. */
export function missing(what: string): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', `Missing: ${what}.`, { what });
}
