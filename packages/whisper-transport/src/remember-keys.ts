import { encodeHex, type Store } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Pbkdf2 } from './topics.js';

/** Where the keys stand in the store. */
const PREFIX = 'channel-keys/';

/**
 * Derives the keys of channels once and for all: what was derived is kept in a store, by the hash of what it comes from. With
 * 1,000 chats that is a minute or two of work at each start. The keys open what is on a channel; give it the store that has the
 * account's other secrets, an encrypted one.
 *
 * A store that can't be read or written costs the work again, and no more.
 *
 * @param derive does the work. Default: the provider, on this thread
 */
export function rememberKeys(
  store: Store,
  crypto: CryptoProvider,
  derive: Pbkdf2 = async (request) => crypto.pbkdf2Sha256(request),
): Pbkdf2 {
  return async (request) => {
    const { password, salt, iterations, length } = request;
    const rest = Uint8Array.from(
      [iterations, length, salt.length].flatMap((n) => [n >> 24, n >> 16, n >> 8, n]),
    );
    const key = PREFIX + encodeHex(crypto.sha256(rest, salt, password));
    const kept = await store.get(key).catch(() => undefined);
    if (kept?.value.length === length) return kept.value;
    const derived = await derive(request);
    await store.commit([{ type: 'put', key, value: derived }]).catch(() => {});
    return derived;
  };
}
