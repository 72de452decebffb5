import { concatBytes, isSottoError, SottoError, type Store, type Write } from '@sotto/core';
import { decodeName } from './hidden-key.js';
import { decodeVersion, encodeVersion, type RecordSealer, VERSION_LENGTH } from './sealed-record.js';
import { type Child, childOf, digitOf, groupByDigit, VersionNode, withChild } from './version-node.js';

const ROOT = 'v';
/** Records that a leaf speaks for before it becomes a branch: some 1.5 kB. */
const LEAF_SIZE = 64;

/** The tree as it will be when `writes` are stored. */
export interface StagedTree {
  readonly writes: readonly Write[];
  /** To be called when they are. */
  readonly apply: () => void;
}

/** A record that gets the version of the commit, or is deleted. */
interface Change {
  readonly name: Uint8Array;
  readonly deleted: boolean;
}

/** A commit in the making: its version, and the nodes as it leaves them. Empty ones are no more. */
interface Stage {
  readonly version: number;
  readonly nodes: Map<string, VersionNode>;
}

/**
 * Which version each record has to have, so that an old one put back is noticed.
 *
 * A tree of sealed nodes. Each five bits of a record's name, which are as good as random, choose one of 32 ways: from
 * the root to a branch, from there to a leaf; a leaf that grows too large becomes a branch with leaves of its own. A
 * leaf holds the versions of records, a branch those of the nodes below it, the root also that of the keyring, and its
 * own: who puts back an old node has to put back all nodes above it. A commit rewrites the nodes on the way to each of
 * its records: 3 kB a record at most, however many there are.
 */
export class VersionTree {
  /** The version of the root: that of the last commit. */
  version: number;
  keyringVersion: number;
  readonly #store: Store;
  readonly #sealer: RecordSealer;
  /** What was read or written of the tree. A node is here only if those above it are. */
  readonly #nodes = new Map<string, VersionNode>();

  private constructor(
    store: Store,
    sealer: RecordSealer,
    version: number,
    keyringVersion: number,
    root: VersionNode,
  ) {
    this.#store = store;
    this.#sealer = sealer;
    this.version = version;
    this.keyringVersion = keyringVersion;
    this.#nodes.set(ROOT, root);
  }

  /** The tree of a store without records, and the write that makes it. */
  static create(
    store: Store,
    sealer: RecordSealer,
    keyringVersion: number,
  ): { tree: VersionTree; write: Write } {
    const root = new VersionNode(true);
    const tree = new VersionTree(store, sealer, 1, keyringVersion, root);
    return { tree, write: { ...tree.#sealRoot(1, keyringVersion, root), expect: 'absent' } };
  }

  /** @throws STORE_CORRUPT, STORE_UNAVAILABLE */
  static async load(store: Store, sealer: RecordSealer): Promise<{ tree: VersionTree; revision: number }> {
    const record = await store.get(ROOT);
    if (!record) throw missing('version index');
    const { version, plaintext } = sealer.open(ROOT, record.value, 'version index');
    const root = new VersionNode(true, plaintext.subarray(VERSION_LENGTH));
    const tree = new VersionTree(store, sealer, version, decodeVersion(plaintext), root);
    return { tree, revision: record.revision };
  }

  /**
   * The version that a record has to have, `undefined` when there must be none.
   * @throws STORE_CORRUPT, STORE_ROLLBACK when the nodes above it aren't right, STORE_UNAVAILABLE
   */
  async expectedVersion(name: string): Promise<number | undefined> {
    const bytes = decodeName(name);
    let node = this.#root;
    for (let key = ROOT, depth = 0; node.isBranch; depth++) {
      const digit = digitOf(bytes, depth);
      key = below(key, digit);
      node = this.#nodes.get(key) ?? (await this.#read(key, childOf(node, digit, depth)));
    }
    return node.versionOf(bytes);
  }

  /**
   * Gives records a version, or none to those that are deleted.
   *
   * Where a node can't be opened any more, a new one begins: the other records that it spoke for are told by
   * {@link expectedVersion} as what should not be there, and the store goes on.
   */
  async stage(
    version: number,
    keyringVersion: number,
    records: readonly { readonly name: string; readonly deleted: boolean }[],
  ): Promise<StagedTree> {
    const changes = records.map(({ name, deleted }) => ({ name: decodeName(name), deleted }));
    const stage: Stage = { version, nodes: new Map() };
    await this.#changeBranch(stage, ROOT, 0, this.#root, changes);
    const writes = [...stage.nodes].map(([key, node]): Write => {
      if (VersionTree.isRoot(key)) return this.#sealRoot(version, keyringVersion, node);
      if (node.size === 0) return { type: 'delete', key };
      return { type: 'put', key, value: this.#sealer.seal(key, version, node.bytes) };
    });
    return {
      writes,
      apply: () => {
        for (const [key, node] of stage.nodes) this.#nodes.set(key, node);
        this.version = version;
        this.keyringVersion = keyringVersion;
      },
    };
  }

  /** Whether a key of the store underneath is the root's. */
  static isRoot(innerKey: string): boolean {
    return innerKey === ROOT;
  }

  get #root(): VersionNode {
    return this.#nodes.get(ROOT) as VersionNode;
  }

  /** Stages the changes below a branch, and the branch. */
  async #changeBranch(
    stage: Stage,
    key: string,
    depth: number,
    branch: VersionNode,
    changes: readonly Change[],
  ): Promise<VersionNode> {
    let changed = branch;
    for (const [digit, own] of groupByDigit(changes, ({ name }) => digitOf(name, depth))) {
      const at = below(key, digit);
      const before = this.#nodes.get(at) ?? (await this.#readOrBegin(at, childOf(branch, digit, depth)));
      const after = before.isBranch
        ? await this.#changeBranch(stage, at, depth + 1, before, own)
        : stageLeaf(stage, at, depth + 1, changeLeaf(before, own, stage.version));
      changed = withChild(changed, digit, depth, after, stage.version);
    }
    stage.nodes.set(key, changed);
    return changed;
  }

  /** Reads a node that has to be as its parent says. */
  async #read(key: string, { version, isBranch }: Child): Promise<VersionNode> {
    const read = new VersionNode(
      isBranch,
      version === undefined ? undefined : await this.#open(key, version),
    );
    // Unless a commit has put a newer one there meanwhile.
    const node = this.#nodes.get(key) ?? read;
    this.#nodes.set(key, node);
    return node;
  }

  async #readOrBegin(key: string, child: Child): Promise<VersionNode> {
    try {
      return await this.#read(key, child);
    } catch (error) {
      if (!isSottoError(error, 'STORE_CORRUPT') && !isSottoError(error, 'STORE_ROLLBACK')) throw error;
      return new VersionNode(child.isBranch);
    }
  }

  async #open(key: string, expected: number): Promise<Uint8Array> {
    const record = await this.#store.get(key);
    if (!record) throw missing('part of the version index');
    const { version, plaintext } = this.#sealer.open(key, record.value, 'part of the version index');
    if (version !== expected) throw rolledBack('part of the version index');
    return plaintext;
  }

  #sealRoot(version: number, keyringVersion: number, root: VersionNode): Extract<Write, { type: 'put' }> {
    const plaintext = concatBytes(encodeVersion(keyringVersion), root.bytes);
    return { type: 'put', key: ROOT, value: this.#sealer.seal(ROOT, version, plaintext) };
  }
}

function changeLeaf(leaf: VersionNode, changes: readonly Change[], version: number): VersionNode {
  return changes.reduce(
    (node, { name, deleted }) => (deleted ? node.without(name) : node.with(name, version)),
    leaf,
  );
}

/** Stages a leaf, or the branch that it becomes. */
function stageLeaf(stage: Stage, key: string, depth: number, leaf: VersionNode): VersionNode {
  let node = leaf;
  if (leaf.size > LEAF_SIZE) {
    node = new VersionNode(true);
    for (const [digit, entries] of groupByDigit(leaf.entries(), (entry) => digitOf(entry, depth))) {
      const part = new VersionNode(false, concatBytes(...entries));
      const child = stageLeaf(stage, below(key, digit), depth + 1, part);
      node = withChild(node, digit, depth, child, stage.version);
    }
  }
  stage.nodes.set(key, node);
  return node;
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
