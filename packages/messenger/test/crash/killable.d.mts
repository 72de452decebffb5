import type { Store } from '@sotto/core';

/** Opens a store of a kind, such as `encrypted leveldb`, in a directory. */
export function openStore(kind: string, directory: string): Promise<Store>;
