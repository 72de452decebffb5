import {
  compareBytes,
  invalidArgument,
  type KeyPair,
  parseObject,
  SottoError,
  type Store,
  type Write,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { notOurs } from './open-device.js';
import { bytesTable, decodeRecord, encodeRecord, recordKey } from './storage/table.js';
import { deviceTable } from './storage/tables.js';

/** `account`: the private key of the identity that a store belongs to, 32 bytes. One record. Never part of a backup. */
const accountTable = bytesTable('account');
const KEY = recordKey(accountTable, []);
const DEVICE_KEY = recordKey(deviceTable, []);

/**
 * Reads the account that {@link writeAccount} put into a store: the key pair to open a messenger with. Works before a
 * messenger is created on the store.
 *
 * @returns `undefined` while there is none
 * @throws INVALID_ARGUMENT; STATE_CORRUPT when the record is damaged; STATE_VERSION_UNSUPPORTED when a later version wrote it; STORE codes
 */
export async function readAccount(store: Store, crypto: CryptoProvider): Promise<KeyPair | undefined> {
  parseObject<Store>(store, 'store', 'get', 'commit');
  parseObject<CryptoProvider>(crypto, 'crypto', 'keccak256');
  const record = await store.get(KEY);
  if (record === undefined) return undefined;
  const privateKey = decodeRecord(crypto, accountTable, KEY, record.value);
  try {
    return crypto.secp256k1.keyPairFromPrivateKey(privateKey);
  } catch (cause) {
    const details = { what: accountTable.name, reason: 'not a private key' };
    throw new SottoError('STATE_CORRUPT', 'The stored account is damaged.', details, { cause });
  }
}

/**
 * Keeps an account in a store, including the private key, so that the store alone is enough to open a messenger again. The
 * record has a version and a checksum; it is only as secret as the store: use `createEncryptedStore` of
 * `@sotto/store-adapters` wherever others may read the disk. May be called again with the same account, and before or
 * after a messenger is created on the store.
 *
 * @param account borrowed
 * @throws INVALID_ARGUMENT when the store has another account or belongs to a device of another identity, or the keys don't
 *   match; INVALID_PRIVATE_KEY; STATE_CORRUPT, STATE_VERSION_UNSUPPORTED; STORE codes. Nothing is stored then
 */
export async function writeAccount(store: Store, account: KeyPair, crypto: CryptoProvider): Promise<void> {
  parseObject(account, 'account', 'publicKey', 'privateKey');
  parseObject<CryptoProvider>(crypto, 'crypto', 'keccak256');
  const { publicKey } = crypto.secp256k1.keyPairFromPrivateKey(account.privateKey);
  if (compareBytes(publicKey, account.publicKey) !== 0) {
    throw invalidArgument('account', 'its public key is not that of its private key');
  }
  const known = await readAccount(store, crypto);
  if (known !== undefined) {
    if (compareBytes(known.publicKey, publicKey) !== 0) throw notOurs('identity');
    return;
  }
  const device = await store.get(DEVICE_KEY);
  if (device !== undefined) {
    const { identity } = decodeRecord(crypto, deviceTable, DEVICE_KEY, device.value);
    if (compareBytes(identity, publicKey) !== 0) throw notOurs('identity');
  }
  await store.commit([accountWrite(account, crypto)]);
}

/** The write by which a store without an account keeps one. */
export function accountWrite({ privateKey }: KeyPair, crypto: CryptoProvider): Write {
  return {
    type: 'put',
    key: KEY,
    value: encodeRecord(crypto, accountTable, KEY, privateKey),
    expect: 'absent',
  };
}
