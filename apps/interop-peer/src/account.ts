import { type KeyPair, SottoError, type Store } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { readAccount, writeAccount } from '@sotto/device';

/**
 * The account of a store: the stored one, or for a new store the given or else a random one. A new store keeps it
 * unencrypted: this program is for tests.
 *
 * @param given must be the one that the store keeps
 * @throws INVALID_ARGUMENT, STATE_CORRUPT, and what the store throws
 */
export async function accountOf(
  store: Store,
  crypto: CryptoProvider,
  given: KeyPair | undefined,
): Promise<KeyPair> {
  const kept = await readAccount(store, crypto);
  if (kept === undefined && !(await isEmpty(store))) {
    throw new SottoError('INVALID_ARGUMENT', 'The store has no account, and is not empty.', {
      what: 'db',
      reason: 'it was not made by this program',
    });
  }
  const account = given ?? kept ?? crypto.secp256k1.generateKeyPair();
  await writeAccount(store, account, crypto);
  return account;
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.list('', { limit: 1 })) return false;
  return true;
}
