import { sha256 } from '@noble/hashes/sha2.js';
import {
  compareBytes,
  concatBytes,
  evictOldest,
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
/** Most records in a leaf before it becomes a branch: about 1.8 kB. */
const LEAF_SIZE = 32;
/**
 * Nodes kept in memory at least, an eighth more at most: 40 MB, all of a store with 480,000 records. In larger ones it is the
 * branches and what was used last; another leaf takes one more read.
 */
const CACHED_NODES = 32_768;

/** A staged change of the tree, which takes effect when `writes` are stored. */
export interface StagedTree {
  readonly writes: readonly Write[];
  /** To be called once they are stored. */
  readonly apply: () => void;
}

/** A record and its new lock; no lock when it is deleted. */
export interface LockChange {
  /** The record's hidden name. */
  readonly name: string;
  readonly lock: Lock | undefined;
}

interface Change {
  readonly name: Uint8Array;
  readonly lock: Lock | undefined;
}

/** The key that the root is sealed under, and the version of its keyring. */
export interface RootKey {
  /** 32 bytes; borrowed. */
  readonly dataKey: Uint8Array;
  /** The version of the keyring that holds it. */
  readonly keyringVersion: number;
}

/** A commit being staged: its version, and the resulting nodes. Empty ones are deleted. */
interface Stage {
  readonly version: number;
  readonly nodes: Map<string, { readonly node: LockNode; readonly lock: Lock }>;
}

/**
 * The locks of all records: the version that each must have, so that a restored old one is detected, and the key that
 * opens it, so that old ones can't be opened any more.
 *
 * A tree of sealed nodes. Every five bits of a record's name, which are pseudorandom, select one of 32 children: from
 * the root to a branch, from there to a leaf; a leaf that grows too large becomes a branch with leaves of its own. A
 * leaf holds the locks of records, a branch those of its children; the root is sealed under the data key, and also holds
 * the version of the keyring. A commit issues new locks for its records and for the nodes on the path to each of
 * them: at most 5 kB a record, however many there are. So the root leads to everything current, and to nothing
 * that was replaced or deleted: to restore or open an old node, one needs all old nodes above it.
 */
export class LockTree {
  /** The version of the root, which is that of the last commit. */
  version: number;
  #rootKey: RootKey;
  #root: LockNode;
  readonly #store: Store;
  readonly #randomBytes: RandomSource;
  readonly #cachedNodes: number;
  /** The nodes below the root that were read or written last, each as of the last commit; the least recently used first. */
  readonly #nodes = new Map<string, LockNode>();

  private constructor(
    store: Store,
    randomBytes: RandomSource,
    version: number,
    rootKey: RootKey,
    root: LockNode,
    cachedNodes: number,
  ) {
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.version = version;
    this.#rootKey = rootKey;
    this.#root = root;
    this.#cachedNodes = cachedNodes;
  }

  /**
   * The tree of a store without records, and the write that creates it; its version is that of the keyring.
   * @param cachedNodes nodes kept in memory; for tests
   */
  static create(
    store: Store,
    randomBytes: RandomSource,
    rootKey: RootKey,
    cachedNodes = CACHED_NODES,
  ): { tree: LockTree; write: Write } {
    const root = new LockNode(true);
    const version = rootKey.keyringVersion;
    const tree = new LockTree(store, randomBytes, version, rootKey, root, cachedNodes);
    return { tree, write: { ...tree.#sealRoot(version, rootKey, root), expect: 'absent' } };
  }

  /**
   * @param cachedNodes nodes kept in memory; for tests
   * @throws STORE_CORRUPT; STORE_ROLLBACK when it belongs to another keyring; STORE_UNAVAILABLE
   */
  static async load(
    store: Store,
    randomBytes: RandomSource,
    rootKey: RootKey,
    cachedNodes = CACHED_NODES,
  ): Promise<{ tree: LockTree; revision: number }> {
    const record = await store.get(ROOT);
    if (!record) throw missing('version index');
    const { keyringVersion } = rootKey;
    const { keyring, sealed } = parseRoot(record.value);
    // The key of an older keyring would not open it.
    if (keyring !== keyringVersion) throw rolledBack('keyring');
    const sealer = new RecordSealer(rootKey.dataKey, randomBytes);
    const { version, plaintext } = sealer.open(ROOT, sealed, 'version index');
    if (decodeVersion(plaintext) !== keyringVersion) throw rolledBack('keyring');
    const root = new LockNode(true, plaintext.subarray(VERSION_LENGTH));
    const tree = new LockTree(store, randomBytes, version, rootKey, root, cachedNodes);
    return { tree, revision: record.revision };
  }

  /** The version of the keyring: that of the commit that wrote it. */
  get keyringVersion(): number {
    return this.#rootKey.keyringVersion;
  }

  /**
   * The lock of a record, `undefined` when the record must not exist.
   * @throws STORE_CORRUPT, STORE_ROLLBACK when a node above it is damaged or old, STORE_UNAVAILABLE
   */
  async lockOf(name: string): Promise<Lock | undefined> {
    const bytes = decodeName(name);
    const { version } = this;
    let node = this.#root;
    for (let key = ROOT, depth = 0; node.isBranch; depth++) {
      const digit = digitOf(bytes, depth);
      key = below(key, digit);
      node = this.#cached(key) ?? (await this.#read(key, childOf(node, digit, depth), version));
    }
    return node.lockOf(bytes);
  }

  /**
   * Stages new locks for records, and removes those of deleted ones.
   *
   * A node that can't be opened any more is replaced by a new one: for the other records in it, {@link lockOf} then
   * returns `undefined`, and the store stays usable.
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
        for (const [key, { node }] of stage.nodes) {
          if (LockTree.isRoot(key)) this.#root = node;
          else this.#cache(key, node);
        }
        this.version = version;
        this.#rootKey = rootKey;
      },
    };
  }

  /** Wipes the keys, as far as that is possible. */
  destroy(): void {
    for (const node of [this.#root, ...this.#nodes.values()]) wipeBytes(node.bytes);
    this.#nodes.clear();
  }

  /** Whether a key of the underlying store is the root's. */
  static isRoot(innerKey: string): boolean {
    return innerKey === ROOT;
  }

  #cached(key: string): LockNode | undefined {
    const node = this.#nodes.get(key);
    if (node !== undefined) this.#cache(key, node);
    return node;
  }

  #cache(key: string, node: LockNode): void {
    this.#nodes.delete(key);
    this.#nodes.set(key, node);
    evictOldest(this.#nodes, this.#cachedNodes);
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
      const before = this.#cached(at) ?? (await this.#readOrBegin(at, childOf(branch, digit, depth)));
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

  /**
   * Reads a node, which must match its lock in the parent.
   * @param version of the tree when the parent was looked up: after another commit, what was read may be old
   */
  async #read(key: string, { lock, isBranch }: Child, version: number): Promise<LockNode> {
    const read = new LockNode(isBranch, lock && (await this.#open(key, lock)));
    const newer = this.#nodes.get(key);
    if (newer === undefined && version === this.version) this.#cache(key, read);
    return newer ?? read;
  }

  async #readOrBegin(key: string, child: Child): Promise<LockNode> {
    try {
      return await this.#read(key, child, this.version);
    } catch (error) {
      if (!isSottoError(error, 'STORE_CORRUPT') && !isSottoError(error, 'STORE_ROLLBACK')) throw error;
      for (const cached of this.#nodes.keys()) if (cached.startsWith(`${key}/`)) this.#nodes.delete(cached);
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
 * The plaintext of what is sealed at a place under a lock; fresh.
 * @param what names it in errors
 * @throws STORE_ROLLBACK when it was written by another commit; STORE_CORRUPT
 */
export function openLocked(
  innerKey: string,
  sealed: Uint8Array,
  lock: Lock,
  what: string,
  randomBytes: RandomSource,
): Uint8Array {
  // The version in the clear only tells old from damaged; what doesn't authenticate is refused either way.
  if (sealed.length >= VERSION_LENGTH && decodeVersion(sealed) < lock.version) throw rolledBack(what);
  const { version, plaintext } = new RecordSealer(lock.key, randomBytes).open(innerKey, sealed, what);
  if (version !== lock.version) throw rolledBack(what);
  return plaintext;
}

/**
 * Parses the root: checksum (8) || version of the keyring (8) || sealed [version of the keyring (8) || entries]. The
 * checksum is the first bytes of SHA-256 of all after it: it tells damage from a restored old keyring, and is no protection
 * against attackers.
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

/** The key of the child for a digit. */
function below(key: string, digit: number): string {
  return `${key}/${String(digit).padStart(2, '0')}`;
}

/** The error of something that is older than it should be. */
export function rolledBack(what: string): SottoError<'STORE_ROLLBACK'> {
  return new SottoError('STORE_ROLLBACK', `An old copy was restored: ${what}.`, { what });
}

/** The error of something that should exist and doesn't. */
export function missing(what: string): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', `Missing: ${what}.`, { what });
}
