import { concatBytes } from '@sotto/core';
import { decodeLock, encodeLock, LOCK_LENGTH, type Lock } from './lock.js';

const NAME_LENGTH = 16;
/** Bits of a record's name that select the child of a branch. */
const DIGIT_BITS = 5;
/** Nodes above this depth are branches from the start. */
const FIRST_LEAVES = 2;
/** Added to the digit of a branch that used to be a leaf. */
const GROWN = 0x80;

/**
 * A node of the tree of locks, as it is sealed: unordered entries of a label and a lock (40 bytes). In a leaf, a label is
 * the name of a record, 16 bytes; in a branch one byte, the digit of a child. Immutable.
 */
export class LockNode {
  readonly isBranch: boolean;
  /** Borrowed. */
  readonly bytes: Uint8Array;
  readonly #labelLength: number;

  /** @param bytes borrowed */
  constructor(isBranch: boolean, bytes: Uint8Array = new Uint8Array()) {
    this.isBranch = isBranch;
    this.bytes = bytes;
    this.#labelLength = isBranch ? 1 : NAME_LENGTH;
  }

  /** Number of entries. */
  get size(): number {
    return this.bytes.length / this.#entryLength;
  }

  /** The entries, each a view of label || lock. */
  entries(): readonly Uint8Array[] {
    const length = this.#entryLength;
    return Array.from({ length: this.size }, (_, i) => this.bytes.subarray(i * length, (i + 1) * length));
  }

  lockOf(label: Uint8Array): Lock | undefined {
    const at = this.#find(label);
    return at < 0 ? undefined : decodeLock(this.bytes.subarray(at + this.#labelLength));
  }

  with(label: Uint8Array, lock: Lock): LockNode {
    const others = this.without(label).bytes;
    return new LockNode(this.isBranch, concatBytes(others, label, encodeLock(lock)));
  }

  without(label: Uint8Array): LockNode {
    const at = this.#find(label);
    if (at < 0) return this;
    const behind = this.bytes.subarray(at + this.#entryLength);
    return new LockNode(this.isBranch, concatBytes(this.bytes.subarray(0, at), behind));
  }

  get #entryLength(): number {
    return this.#labelLength + LOCK_LENGTH;
  }

  /** The offset of the entry of a label; -1 when there is none. */
  #find(label: Uint8Array): number {
    for (let at = 0; at < this.bytes.length; at += this.#entryLength) {
      let same = 0;
      while (same < label.length && this.bytes[at + same] === label[same]) same++;
      if (same === label.length) return at;
    }
    return -1;
  }
}

/** What a branch stores about a child; without a lock, the child doesn't exist yet. */
export interface Child {
  readonly lock: Lock | undefined;
  readonly isBranch: boolean;
}

/** @param depth of the branch; 0 is the root's */
export function childOf(branch: LockNode, digit: number, depth: number): Child {
  const grown = branch.lockOf(labelOf(digit, true));
  if (grown !== undefined) return { lock: grown, isBranch: true };
  return { lock: branch.lockOf(labelOf(digit, false)), isBranch: isBranchFromStart(depth + 1) };
}

/** The branch with this child replaced, or removed when it is empty. */
export function withChild(
  branch: LockNode,
  digit: number,
  depth: number,
  child: LockNode,
  lock: Lock,
): LockNode {
  const others = branch.without(labelOf(digit, true)).without(labelOf(digit, false));
  if (child.size === 0) return others;
  return others.with(labelOf(digit, child.isBranch && !isBranchFromStart(depth + 1)), lock);
}

/** The digit of a record's name (or of bytes that begin with it) that selects the child of a branch at this depth. */
export function digitOf(name: Uint8Array, depth: number): number {
  const bit = depth * DIGIT_BITS;
  const [high = 0, low = 0] = name.subarray(bit >> 3);
  return (((high << 8) | low) >> (16 - DIGIT_BITS - (bit & 7))) & (2 ** DIGIT_BITS - 1);
}

/** Groups items by digit. */
export function groupByDigit<T>(items: readonly T[], digit: (item: T) => number): ReadonlyMap<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(digit(item));
    if (group) group.push(item);
    else groups.set(digit(item), [item]);
  }
  return groups;
}

function isBranchFromStart(depth: number): boolean {
  return depth < FIRST_LEAVES;
}

function labelOf(digit: number, grown: boolean): Uint8Array {
  return Uint8Array.of(grown ? digit | GROWN : digit);
}
