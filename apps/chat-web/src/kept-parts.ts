import { type BlobStore, encodeHex, SottoError } from '@sotto/core';

/** Names begin so: pages of one origin, such as those of a gateway, share what is kept. */
const PREFIX = `sotto-files ${globalThis.location?.href.replace(/[?#].*$/, '') ?? ''} `;

/**
 * Most bytes of fetched parts that are kept: some dozens of photographs. Whoever is accepted decides how large a file is, so the oldest go
 * first.
 */
const FETCHED_MAX_BYTES = 200 * 1_000 * 1_000;

/** Where encrypted parts of files are kept in this browser: without the key, which is in the message, they are noise. */
export interface KeptParts {
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, part: Uint8Array): Promise<void>;
  delete(name: string): Promise<void>;
  clear(): Promise<void>;
}

/** @param maxBytes beyond it, what was put first is deleted */
export function keptParts(purpose: 'outgoing' | 'fetched', maxBytes = Number.POSITIVE_INFINITY): KeptParts {
  // Only when it is needed: some browsers have none in private windows.
  let opened: Promise<Cache> | undefined;
  const open = () => {
    opened ??= caches.open(PREFIX + purpose);
    return opened;
  };
  const addressOf = (name: string) => `./kept/${encodeURIComponent(name)}`;
  /** Bytes of all of them; read when it is needed. */
  let total: number | undefined;
  const sizeOf = async (cache: Cache, key: Request) =>
    Number((await cache.match(key))?.headers.get('content-length') ?? 0);
  const makeRoom = async (cache: Cache) => {
    const keys = await cache.keys(); // in the order in which they were put
    if (total === undefined) {
      total = 0;
      for (const key of keys) total += await sizeOf(cache, key);
    }
    for (const key of keys) {
      if (total <= maxBytes) return;
      total -= await sizeOf(cache, key);
      await cache.delete(key);
    }
  };
  return {
    async get(name) {
      const response = await (await open()).match(addressOf(name));
      return response && new Uint8Array(await response.arrayBuffer());
    },
    async put(name, part) {
      const cache = await open();
      const headers = { 'content-length': String(part.length) };
      if (total !== undefined) total += part.length;
      await cache.put(addressOf(name), new Response(new Uint8Array(part), { headers }));
      if (maxBytes !== Number.POSITIVE_INFINITY && (total === undefined || total > maxBytes))
        await makeRoom(cache);
    },
    async delete(name) {
      await (await open()).delete(addressOf(name));
    },
    async clear() {
      const cache = await open();
      for (const key of await cache.keys()) await cache.delete(key);
    },
  };
}

/** Deletes all that this page keeps of files. */
export async function deleteKeptParts(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX)) await caches.delete(name);
}

/** Parts of files on their way out, as a store: what is encrypted goes here first, so that a page that is loaded again can go on. */
export function outgoingStore(parts: KeptParts, maxBlobBytes: number): BlobStore {
  return {
    name: 'kept',
    capabilities: { maxBlobBytes },
    accepts: (reference) => reference.startsWith('kept:'),
    async put(blob) {
      const bytes = new Uint8Array(blob);
      const digest = encodeHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
      await parts.put(digest, bytes);
      return `kept:${digest}`;
    },
    async get(reference) {
      const blob = await parts.get(reference.replace('kept:', ''));
      if (blob === undefined)
        throw new SottoError('NOT_FOUND', 'This part is not kept here.', { what: 'blob', id: reference });
      return blob;
    },
  };
}

/** A store whose parts are fetched once: what was fetched before is read from this browser. */
export function rememberingStore(
  store: BlobStore,
): BlobStore & { keep(reference: string, part: Uint8Array): Promise<void> } {
  const parts = keptParts('fetched', FETCHED_MAX_BYTES);
  // A browser without room fetches again.
  const keep = (reference: string, part: Uint8Array) => parts.put(reference, part).catch(() => undefined);
  return {
    ...store,
    keep,
    async get(reference, options) {
      const kept = store.accepts(reference) ? await parts.get(reference).catch(() => undefined) : undefined;
      if (kept !== undefined) return kept;
      const part = await store.get(reference, options);
      await keep(reference, part);
      return part;
    },
  };
}
