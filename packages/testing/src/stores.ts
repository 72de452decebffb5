import type { Store } from '@sotto/core';

/** A store that stays open when it is closed, so that whatever runs on it can be opened again. */
export function keptView(store: Store): Store {
  return {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    close: async () => {},
  };
}

/** Everything a store holds, as text: two equal dumps are two byte-identical states. */
export async function dump(store: Store): Promise<string> {
  const lines: string[] = [];
  for await (const { key, value } of store.list('')) lines.push(`${key} ${value.join()}`);
  return lines.join('\n');
}

/** How many records a store has, or one of its tables. */
export async function countRecords(store: Store, table?: string): Promise<number> {
  let count = 0;
  for await (const _ of store.list(table === undefined ? '' : `${table}/`)) count++;
  return count;
}
