import { concatBytes, isSottoError, SottoError, type Store, type Write } from '@sotto/core';
import { decodeName } from './hidden-key.js';
import {
  decodeVersion,
  encodeVersion,
  type RecordSealer,
  readVersion,
  writeVersion,
} from './sealed-record.js';

const ROOT = 'v';
/** Bytes of an entry's label: of a branch, one of 32 digits; of a leaf, the name of a record. */
const DIGIT_LENGTH = 1;
const NAME_LENGTH = 16;
const VERSION_LENGTH = 8;

/** Labels, a character for each byte, with the version of what stands there. */
type Entries = Map<string, number>;

/** The tree as it will be when `writes` are stored. */
export interface StagedTree {
  readonly writes: readonly Write[];
  /** To be called when they are. */
  readonly apply: () => void;
}

/**
 * Which version each record has to have, so that an old one put back is noticed.
 *
 * Three levels of sealed nodes: a root, 32 branches, 1024 leaves, chosen by the first bits of a record's name, which
 * are as good as random. A leaf holds the versions of records, a branch those of leaves, the root those of branches,
 * that of the keyring, and its own: who puts back an old node has to put back all nodes above it. A commit rewrites
 * the root and, for each record, a branch and a leaf: with 100,000 records some 3 kB.
 */
export class VersionTree {
  /** The version of the root: that of the last commit. */
  version: number;
  keyringVersion: number;
  readonly #store: Store;
  readonly #sealer: RecordSealer;
  readonly #nodes = new Map<string, Entries>();

  private constructor(
    store: Store,
    sealer: RecordSealer,
    version: number,
    keyringVersion: number,
    root: Entries,
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
    const tree = new VersionTree(store, sealer, 1, keyringVersion, new Map());
    return { tree, write: { ...tree.#sealRoot(1, keyringVersion, new Map()), expect: 'absent' } };
  }

  /** @throws STORE_CORRUPT, STORE_UNAVAILABLE */
  static async load(store: Store, sealer: RecordSealer): Promise<{ tree: VersionTree; revision: number }> {
    const record = await store.get(ROOT);
    if (!record) throw missing('version index');
    const { version, plaintext } = sealer.open(ROOT, record.value, 'version index');
    const entries = decodeEntries(plaintext.subarray(VERSION_LENGTH), DIGIT_LENGTH);
    const tree = new VersionTree(store, sealer, version, decodeVersion(plaintext), entries);
    return { tree, revision: record.revision };
  }

  /**
   * The version that a record has to have, `undefined` when there must be none.
   * @throws STORE_CORRUPT, STORE_ROLLBACK when the nodes above it aren't right, STORE_UNAVAILABLE
   */
  async expectedVersion(name: string): Promise<number | undefined> {
    const { branch, leaf, label } = place(name);
    return (await this.#load(leaf, branch, NAME_LENGTH)).get(label);
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
    const changed = new Map<string, Entries>();
    const writes: Write[] = [];
    const edit = async (node: string, parent: string, labelLength: number): Promise<Entries> => {
      const entries = changed.get(node) ?? new Map(await this.#loadOrBegin(node, parent, labelLength));
      changed.set(node, entries);
      return entries;
    };
    const seal = (node: string, entries: Entries, labelLength: number) => {
      if (entries.size === 0) writes.push({ type: 'delete', key: node });
      else
        writes.push({
          type: 'put',
          key: node,
          value: this.#sealer.seal(node, version, encodeEntries(entries, labelLength)),
        });
    };
    const note = (entries: Entries, label: string, present: boolean) => {
      if (present) entries.set(label, version);
      else entries.delete(label);
    };

    const leaves = new Map<string, ReturnType<typeof place>>();
    for (const { name, deleted } of records) {
      const at = place(name);
      leaves.set(at.leaf, at);
      note(await edit(at.leaf, at.branch, NAME_LENGTH), at.label, !deleted);
    }
    const branches = new Map<string, ReturnType<typeof place>>();
    for (const at of leaves.values()) {
      const entries = changed.get(at.leaf) as Entries;
      seal(at.leaf, entries, NAME_LENGTH);
      branches.set(at.branch, at);
      note(await edit(at.branch, ROOT, DIGIT_LENGTH), at.leafLabel, entries.size > 0);
    }
    const root = new Map(this.#nodes.get(ROOT));
    for (const at of branches.values()) {
      const entries = changed.get(at.branch) as Entries;
      seal(at.branch, entries, DIGIT_LENGTH);
      note(root, at.branchLabel, entries.size > 0);
    }
    changed.set(ROOT, root);
    writes.push(this.#sealRoot(version, keyringVersion, root));
    return {
      writes,
      apply: () => {
        for (const [node, entries] of changed) this.#nodes.set(node, entries);
        this.version = version;
        this.keyringVersion = keyringVersion;
      },
    };
  }

  /** Whether a key of the store underneath is the root's. */
  static isRoot(innerKey: string): boolean {
    return innerKey === ROOT;
  }

  async #load(node: string, parent: string, labelLength: number): Promise<Entries> {
    const loaded = this.#nodes.get(node);
    if (loaded) return loaded;
    const siblings =
      parent === ROOT ? (this.#nodes.get(ROOT) as Entries) : await this.#load(parent, ROOT, DIGIT_LENGTH);
    const expected = siblings.get(labelOf(node));
    const entries = expected === undefined ? new Map() : await this.#read(node, expected, labelLength);
    // Unless a commit has put a newer one there meanwhile.
    const newer = this.#nodes.get(node);
    if (!newer) this.#nodes.set(node, entries);
    return newer ?? entries;
  }

  async #loadOrBegin(node: string, parent: string, labelLength: number): Promise<Entries> {
    try {
      return await this.#load(node, parent, labelLength);
    } catch (error) {
      if (isSottoError(error, 'STORE_CORRUPT') || isSottoError(error, 'STORE_ROLLBACK')) return new Map();
      throw error;
    }
  }

  async #read(node: string, expected: number, labelLength: number): Promise<Entries> {
    const record = await this.#store.get(node);
    if (!record) throw missing('part of the version index');
    const { version, plaintext } = this.#sealer.open(node, record.value, 'part of the version index');
    if (version !== expected) throw rolledBack('part of the version index');
    return decodeEntries(plaintext, labelLength);
  }

  #sealRoot(version: number, keyringVersion: number, root: Entries): Extract<Write, { type: 'put' }> {
    const plaintext = concatBytes(encodeVersion(keyringVersion), encodeEntries(root, DIGIT_LENGTH));
    return { type: 'put', key: ROOT, value: this.#sealer.seal(ROOT, version, plaintext) };
  }
}

/** The error of something that is older than it has to be. */
export function rolledBack(what: string): SottoError<'STORE_ROLLBACK'> {
  return new SottoError('STORE_ROLLBACK', `An old copy was put back: ${what}.`, { what });
}

/** The error of something that has to be there and isn't. */
export function missing(what: string): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', `Missing: ${what}.`, { what });
}

/** Where a record's version stands: five bits of its name choose the branch, the next five the leaf. */
function place(name: string) {
  const bytes = decodeName(name);
  const [first, second] = bytes as unknown as [number, number];
  const branchDigit = first >> 3;
  const leafDigit = ((first & 7) << 2) | (second >> 6);
  const branch = `${ROOT}/${printDigit(branchDigit)}`;
  return {
    branch,
    branchLabel: String.fromCharCode(branchDigit),
    leaf: `${branch}/${printDigit(leafDigit)}`,
    leafLabel: String.fromCharCode(leafDigit),
    label: String.fromCharCode(...bytes),
  };
}

/** The label under which a node's parent has it: its last digit. */
function labelOf(node: string): string {
  return String.fromCharCode(Number.parseInt(node.slice(-2), 10));
}

function printDigit(digit: number): string {
  return String(digit).padStart(2, '0');
}

/** Each entry: label || version (8, big-endian). */
function encodeEntries(entries: Entries, labelLength: number): Uint8Array {
  const bytes = new Uint8Array(entries.size * (labelLength + VERSION_LENGTH));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [label, version] of entries) {
    for (let i = 0; i < labelLength; i++) bytes[at + i] = label.charCodeAt(i);
    writeVersion(view, at + labelLength, version);
    at += labelLength + VERSION_LENGTH;
  }
  return bytes;
}

function decodeEntries(bytes: Uint8Array, labelLength: number): Entries {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Entries = new Map();
  for (let at = 0; at < bytes.length; at += labelLength + VERSION_LENGTH) {
    const label = String.fromCharCode(...bytes.subarray(at, at + labelLength));
    entries.set(label, readVersion(view, at + labelLength));
  }
  return entries;
}
