import { type KeyPair, type PrivateKey, SottoError, type Store } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** The private key of a store's identity, in plain bytes: this program is for tests. */
const KEY = 'interop/identity';

/**
 * The identity that a store belongs to: the one it remembers, or the one given, or for a new store a random one. A
 * new store remembers it.
 *
 * @param given 32 bytes; must be the one remembered
 * @throws INVALID_ARGUMENT, INVALID_PRIVATE_KEY, and what the store throws
 */
export async function identityOf(
  store: Store,
  crypto: CryptoProvider,
  given: KeyPair | undefined,
): Promise<KeyPair> {
  const remembered = await store.get(KEY);
  if (remembered !== undefined) {
    if (given !== undefined && !crypto.equalBytes(given.privateKey, remembered.value)) {
      throw refused('it belongs to another key');
    }
    return crypto.secp256k1.keyPairFromPrivateKey(remembered.value as PrivateKey);
  }
  if (!(await isEmpty(store))) throw refused('it was not made by this program');
  const identity = given ?? crypto.secp256k1.generateKeyPair();
  await store.commit([{ type: 'put', key: KEY, value: identity.privateKey, expect: 'absent' }]);
  return identity;
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.list('', { limit: 1 })) return false;
  return true;
}

function refused(reason: string): SottoError {
  return new SottoError('INVALID_ARGUMENT', `The store can't be opened with this key: ${reason}.`, {
    what: 'key',
    reason,
  });
}
