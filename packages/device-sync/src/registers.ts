import { sha256 } from '@noble/hashes/sha2.js';
import { compareBytes, concatBytes, copyBytes, encodeHex, encodeUtf8 } from '@sotto/core';
import { BUCKETS, MAX_CLOCK, MAX_ENTRIES } from './limits.js';

/** What an entry is about. The numbers are part of the format. */
export const KIND = Object.freeze({
  /** A contact, by identity in hex: the name that the user gave them, in UTF-8. */
  contact: 1,
  /** What comparing safety numbers has shown, by identity in hex: {@link TRUST}. */
  trust: 2,
  /** Whether a person was accepted or blocked, by identity in hex: {@link STANDING}. */
  standing: 3,
  /** A joined public chat, by name: empty. */
  chat: 4,
  /** A muted conversation, by key: until when, in milliseconds, decimal. */
  mute: 5,
  /** A draft, by key of its conversation: the text, in UTF-8. */
  draft: 6,
  /** What was read last, by key of its conversation: time and id of a message. */
  read: 7,
});

/** The first byte of a value. */
export const TRUST = Object.freeze({ verified: 1, mismatch: 2 });
/** The first byte of a value. */
export const STANDING = Object.freeze({ accepted: 1, blocked: 2 });

/** What was set last for a kind and key. */
export interface Entry {
  /** One of {@link KIND}, or one of a later version, which is only passed on. */
  readonly kind: number;
  readonly key: string;
  /** Milliseconds since the epoch, or one more than the latest time that the device had seen. */
  readonly time: number;
  /** Installation id of the device where it was set. */
  readonly device: string;
  /** `undefined`: it was removed. */
  readonly value: Uint8Array | undefined;
}

interface Held<E extends Entry> {
  readonly entry: E;
  readonly bucket: number;
  readonly hash: Uint8Array;
}

/** Identifies kind and key. */
export function nameOf({ kind, key }: Pick<Entry, 'kind' | 'key'>): string {
  return `${kind} ${key}`;
}

/** Kind and key as a fixed number of hex digits, for keys of a store. */
export function recordOf(name: string): string {
  return encodeHex(sha256(encodeUtf8(name)).subarray(0, 16));
}

/**
 * Positive when the first entry counts, negative when the other one does, 0 when they are equal. The later one counts; of two of the
 * same time the one that is safer, then that of the device whose id is greater, then the greater value: all devices choose alike.
 */
export function compareEntries(a: Entry, b: Entry): number {
  if (a.time !== b.time) return a.time - b.time;
  const difference = safety(a) - safety(b);
  if (difference !== 0) return difference;
  if (a.device !== b.device) return compareBytes(encodeUtf8(a.device), encodeUtf8(b.device));
  if (a.value === undefined || b.value === undefined)
    return Number(a.value !== undefined) - Number(b.value !== undefined);
  return compareBytes(a.value, b.value);
}

/** Whether nothing is safer: a block, or a mismatch. */
export function isSafe(entry: Pick<Entry, 'kind' | 'value'>): boolean {
  return safety(entry) === 2;
}

/** A block is safer than neither, and that is safer than an acceptance. So it is with a mismatch, neither, and a verification. */
function safety({ kind, value }: Pick<Entry, 'kind' | 'value'>): number {
  if (kind !== KIND.trust && kind !== KIND.standing) return 0;
  const first = value?.[0] ?? 0;
  return first === STANDING.blocked ? 2 : first === 0 ? 1 : 0;
}

/** What an entry adds to its bucket. */
function hashOf(entry: Entry): Uint8Array {
  const { time, device, value } = entry;
  const head = `${nameOf(entry)}\n${time} ${device}\n${value === undefined ? '-' : '+'}`;
  return sha256(concatBytes(encodeUtf8(head), value ?? new Uint8Array(0))).subarray(0, 8);
}

/** Whether two values are the same. */
export function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return compareBytes(a, b) === 0;
}

/**
 * What was set last for each kind and key, with the clock by which entries are stamped: a hybrid logical clock, which follows ours, and
 * goes on from the latest time that was seen while ours is behind that. Reads and writes nothing.
 */
export class Registers<E extends Entry = Entry> {
  readonly #device: string;
  readonly #most: number;
  readonly #held = new Map<string, Held<E>>();
  readonly #buckets = new Uint8Array(8 * BUCKETS);
  #latest: number;

  /**
   * @param device our installation id
   * @param latest the latest time that earlier runs have seen
   * @param most entries at most, {@link MAX_ENTRIES}
   */
  constructor(device: string, latest: number, most = MAX_ENTRIES) {
    this.#device = device;
    this.#latest = latest;
    this.#most = most;
  }

  /** The latest time that was seen. */
  get latest(): number {
    return this.#latest;
  }

  get size(): number {
    return this.#held.size;
  }

  get(name: string): E | undefined {
    return this.#held.get(name)?.entry;
  }

  /** All entries, in no particular order. */
  *all(): Iterable<E> {
    for (const { entry } of this.#held.values()) yield entry;
  }

  /** An entry that is later than all that were seen. It is not set yet. */
  stamp(kind: number, key: string, value: Uint8Array | undefined, now: number): Entry {
    this.#latest = Math.max(Math.min(Math.trunc(now), MAX_CLOCK), this.#latest + 1);
    return { kind, key, time: this.#latest, device: this.#device, value };
  }

  /** Whether an entry counts, rather than the one that is there. */
  isNews(entry: Entry): boolean {
    const before = this.get(nameOf(entry));
    return before === undefined || compareEntries(entry, before) > 0;
  }

  /**
   * The names that have to be deleted so that an entry has room; `undefined` when nothing can be. A removed one takes the place of older
   * ones alone: otherwise two devices without room would send each other the same ones for ever.
   * @param except names that are about to be set
   */
  roomFor(entry: Entry, except: ReadonlySet<string>): readonly string[] | undefined {
    const name = nameOf(entry);
    const added = [...except].filter((other) => !this.#held.has(other)).length;
    if (this.#held.has(name) || this.#held.size + added <= this.#most) return [];
    let oldest: E | undefined;
    for (const { entry: one } of this.#held.values()) {
      if (one.value !== undefined || except.has(nameOf(one))) continue;
      if (oldest === undefined || compareEntries(one, oldest) < 0) oldest = one;
    }
    if (oldest === undefined || (entry.value === undefined && compareEntries(entry, oldest) < 0))
      return undefined;
    return [nameOf(oldest)];
  }

  /** Sets an entry, whatever was there. */
  set(entry: E): void {
    const name = nameOf(entry);
    this.delete(name);
    const bucket = (sha256(encodeUtf8(name))[0] as number) % BUCKETS;
    const held = { entry, bucket, hash: hashOf(entry) };
    this.#held.set(name, held);
    this.#toggle(held);
    this.#latest = Math.max(this.#latest, entry.time);
  }

  delete(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    this.#toggle(held);
  }

  /** What all entries come to: {@link BUCKETS} times 8 bytes. Equal for equal entries. */
  digest(): Uint8Array {
    return copyBytes(this.#buckets);
  }

  /**
   * The entries in buckets that differ from those of another device, bucket by bucket: those that arrived in full agree from then on, so
   * that whoever asks again gets other ones.
   */
  differing(digest: Uint8Array): readonly E[] {
    const isDifferent = (bucket: number) =>
      compareBytes(
        this.#buckets.subarray(8 * bucket, 8 * bucket + 8),
        digest.subarray(8 * bucket, 8 * bucket + 8),
      ) !== 0;
    const different = new Set(Array.from({ length: BUCKETS }, (_, i) => i).filter(isDifferent));
    return [...this.#held.values()]
      .filter(({ bucket }) => different.has(bucket))
      .sort((a, b) => a.bucket - b.bucket)
      .map(({ entry }) => entry);
  }

  #toggle({ bucket, hash }: Held<E>): void {
    for (const [i, byte] of hash.entries()) {
      const at = 8 * bucket + i;
      this.#buckets[at] = (this.#buckets[at] as number) ^ byte;
    }
  }
}
