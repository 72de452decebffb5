/** Encryption on top of any store. */
import { parseFunction, parseObject, parseText } from '@sotto/core';
import { EncryptedRecordStore } from './encrypted/encrypted-record-store.js';
import type { EncryptedStore, EncryptedStoreOptions } from './encrypted/encrypted-store.js';

export type { EncryptedStore, EncryptedStoreOptions } from './encrypted/encrypted-store.js';
export { DEFAULT_PASSPHRASE_COST, PASSPHRASE_COST_MAX, type PassphraseCost } from './encrypted/keyring.js';
export { ENCRYPTED_VALUE_MAX_BYTES } from './encrypted/sealed-record.js';

/**
 * Opens the encrypted store inside another one, or creates it there when that is empty.
 * @throws STORE_WRONG_PASSPHRASE; STORE_CORRUPT when keyring or index are damaged, or the underlying store holds
 * something else; STORE_ROLLBACK when they don't belong together; STORE_SCHEMA_NEWER; INVALID_ARGUMENT
 */
export async function createEncryptedStore(options: EncryptedStoreOptions): Promise<EncryptedStore> {
  const { store, passphrase, randomBytes, passphraseCost, argon2id } = parseObject(options, 'options');
  parseObject(store, 'store', 'get', 'list', 'commit', 'close');
  parseText(passphrase, 'passphrase');
  parseFunction(randomBytes, 'randomBytes');
  if (passphraseCost !== undefined) parseObject(passphraseCost, 'passphraseCost', 'memoryKiB', 'passes');
  if (argon2id !== undefined) parseFunction(argon2id, 'argon2id');
  return EncryptedRecordStore.open(options);
}
