import type { KeyPair, Store } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { readAccount, writeAccount } from '@sotto/messenger';

/**
 * The account that a store keeps; the first call makes one and stores it. So a bot has the same key after each restart.
 *
 * The private key is in the store: use `createEncryptedStore` of `@sotto/store-adapters` where others may read the disk.
 *
 * @throws whatever `readAccount` and `writeAccount` of `@sotto/messenger` throw
 */
export async function openAccount(store: Store, crypto: CryptoProvider): Promise<KeyPair> {
  const kept = await readAccount(store, crypto);
  if (kept !== undefined) return kept;
  const created = crypto.secp256k1.generateKeyPair();
  await writeAccount(store, created, crypto);
  return created;
}
