/**
 * Deletes the oldest members of a map or set, those inserted first, once it exceeds its limit by an eighth. It deletes
 * many at a time, and rarely, because finding the first member slows down with each one deleted before it.
 * @param limit how many members are kept at least; up to an eighth more stay
 */
export function evictOldest<K>(members: Map<K, unknown> | Set<K>, limit: number): void {
  if (members.size <= limit + limit / 8) return;
  for (const member of members.keys()) {
    members.delete(member);
    if (members.size <= limit) return;
  }
}

/** A cache that evicts the least recently used values. */
export class LruCache<K, V extends object | string | number | bigint> {
  readonly #limit: number;
  readonly #values = new Map<K, V>();

  /** @param limit how many values are kept at least; up to an eighth more stay */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value under the key; this counts as a use. */
  get(key: K): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  /** Puts a value under the key, replacing the previous one. */
  set(key: K, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    evictOldest(this.#values, this.#limit);
  }

  /** The value under the key; if there is none, makes and keeps one. When `make` throws, nothing changes. */
  getOrCreate(key: K, create: () => V): V {
    const found = this.get(key);
    if (found !== undefined) return found;
    const created = create();
    this.set(key, created);
    return created;
  }

  /** Removes the value under the key, if there is one. */
  delete(key: K): void {
    this.#values.delete(key);
  }

  /** Removes everything. */
  clear(): void {
    this.#values.clear();
  }
}

/** Remembers the members added last, to recognise duplicates. */
export class DedupSet<K> {
  readonly #limit: number;
  readonly #members = new Set<K>();

  /** @param limit how many members are remembered at least; up to an eighth more are */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a member. @returns whether it is new */
  add(member: K): boolean {
    if (this.#members.has(member)) return false;
    this.#members.add(member);
    evictOldest(this.#members, this.#limit);
    return true;
  }

  /** Whether a member is remembered. */
  has(member: K): boolean {
    return this.#members.has(member);
  }

  /** Forgets a member, so that it is new again. */
  delete(member: K): void {
    this.#members.delete(member);
  }
}
