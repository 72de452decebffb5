import { concatBytes } from '@sotto/core';
import { decodeVersion, encodeVersion, VERSION_LENGTH } from './sealed-record.js';

const NAME_LENGTH = 16;
/** Bits of a record's name that choose the way below a branch. */
const DIGIT_BITS = 5;
/** Nodes less deep than this are branches from the start. */
const FIRST_LEAVES = 2;
/** Added to the digit of a branch that was a leaf once. */
const GROWN = 0x80;

/**
 * A node of the tree of versions, as it is sealed: entries of a label and a version (8, big-endian), in no order. In a
 * leaf a label is the name of a record, 16 bytes; in a branch one byte, the digit of a node below it. Never changed.
 */
export class VersionNode {
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

  /** How many entries. */
  get size(): number {
    return this.bytes.length / this.#entryLength;
  }

  /** Views of label || version each. */
  entries(): readonly Uint8Array[] {
    const length = this.#entryLength;
    return Array.from({ length: this.size }, (_, i) => this.bytes.subarray(i * length, (i + 1) * length));
  }

  versionOf(label: Uint8Array): number | undefined {
    const at = this.#find(label);
    return at < 0 ? undefined : decodeVersion(this.bytes.subarray(at + this.#labelLength));
  }

  with(label: Uint8Array, version: number): VersionNode {
    const others = this.without(label).bytes;
    return new VersionNode(this.isBranch, concatBytes(others, label, encodeVersion(version)));
  }

  without(label: Uint8Array): VersionNode {
    const at = this.#find(label);
    if (at < 0) return this;
    const behind = this.bytes.subarray(at + this.#entryLength);
    return new VersionNode(this.isBranch, concatBytes(this.bytes.subarray(0, at), behind));
  }

  get #entryLength(): number {
    return this.#labelLength + VERSION_LENGTH;
  }

  /** Where the entry of a label begins; -1 when there is none. */
  #find(label: Uint8Array): number {
    for (let at = 0; at < this.bytes.length; at += this.#entryLength) {
      let same = 0;
      while (same < label.length && this.bytes[at + same] === label[same]) same++;
      if (same === label.length) return at;
    }
    return -1;
  }
}

/** What a branch says of a node below it; without a version there is none yet. */
export interface Child {
  readonly version: number | undefined;
  readonly isBranch: boolean;
}

/** @param depth of the branch; 0 is the root's */
export function childOf(branch: VersionNode, digit: number, depth: number): Child {
  const grown = branch.versionOf(labelOf(digit, true));
  if (grown !== undefined) return { version: grown, isBranch: true };
  return { version: branch.versionOf(labelOf(digit, false)), isBranch: isBranchFromStart(depth + 1) };
}

/** The branch, with another node below it; without one when that is empty. */
export function withChild(
  branch: VersionNode,
  digit: number,
  depth: number,
  child: VersionNode,
  version: number,
): VersionNode {
  const others = branch.without(labelOf(digit, true)).without(labelOf(digit, false));
  if (child.size === 0) return others;
  return others.with(labelOf(digit, child.isBranch && !isBranchFromStart(depth + 1)), version);
}

/** The digit of a record's name, or of bytes that begin with it, that chooses the way below a branch of this depth. */
export function digitOf(name: Uint8Array, depth: number): number {
  const bit = depth * DIGIT_BITS;
  const [high = 0, low = 0] = name.subarray(bit >> 3);
  return (((high << 8) | low) >> (16 - DIGIT_BITS - (bit & 7))) & (2 ** DIGIT_BITS - 1);
}

/** Items by digit. */
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
