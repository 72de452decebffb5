import {
  decodeUtf8,
  encodeUtf8,
  type ListOptions,
  type Store,
  type StoredEntry,
  type Write,
} from '@sotto/core';

/** Puts a short text. */
export function put(key: string, text: string, expect?: number | 'absent'): Write {
  const write = { type: 'put', key, value: encodeUtf8(text) } as const;
  return expect === undefined ? write : { ...write, expect };
}

export function remove(key: string, expect?: number | 'absent'): Write {
  return expect === undefined ? { type: 'delete', key } : { type: 'delete', key, expect };
}

export function check(key: string, expect: number | 'absent'): Write {
  return { type: 'check', key, expect };
}

/** All entries of a listing. */
export async function collect(store: Store, prefix: string, options?: ListOptions): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const entry of store.list(prefix, options)) entries.push(entry);
  return entries;
}

/** The keys of a listing, in its order. */
export async function listKeys(store: Store, prefix: string, options?: ListOptions): Promise<string[]> {
  return (await collect(store, prefix, options)).map(({ key }) => key);
}

/** `key=text@revision` of everything that is stored. */
export async function contents(store: Store): Promise<string[]> {
  return (await collect(store, '')).map(printEntry);
}

export function printEntry({ key, value, revision }: StoredEntry): string {
  return `${key}=${decodeUtf8(value)}@${revision}`;
}

/** `length` bytes that differ from neighbour to neighbour and from seed to seed. */
export function patternBytes(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = (seed + 1) >>> 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** `00042` for 42: digits that sort as text. */
export function digits(n: number): string {
  return String(n).padStart(6, '0');
}
