import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Argon2id,
  compareBytes,
  concatBytes,
  copyBytes,
  encodeUtf8,
  invalidArgument,
  parseObject,
  parseText,
  type RandomSource,
  SottoError,
  wipeBytes,
} from '@sotto/core';

/** What one guess at a passphrase costs: the parameters of Argon2id (RFC 9106), with one lane. */
export interface PassphraseCost {
  /** Memory in KiB, 8 to 262144. */
  readonly memoryKiB: number;
  /** Passes over the memory, 1 to 10. */
  readonly passes: number;
}

/**
 * 64 MiB, one pass: above OWASP's minimum of 46 MiB with one pass, and half a second in plain JavaScript on a desktop
 * of 2020.
 */
export const DEFAULT_PASSPHRASE_COST: PassphraseCost = { memoryKiB: 64 * 1024, passes: 1 };

/**
 * The highest cost accepted, also from a file: 256 MiB and ten passes, about 20 s in plain JavaScript on a desktop of 2020.
 * A file with a higher cost was not written by honest software, and would block the process.
 */
export const PASSPHRASE_COST_MAX: PassphraseCost = { memoryKiB: 256 * 1024, passes: 10 };

/** Length in bytes of the keys in a keyring. */
export const KEYRING_KEY_LENGTH = 32;

/** What is sealed under a passphrase. */
export interface Keyring {
  /**
   * The version of the commit that wrote it. Grows with each change of the passphrase or the data key, so that a restored
   * old keyring is detected.
   */
  readonly version: number;
  /** Opens the root of the tree of locks, and through it everything current. Replaced from time to time. */
  readonly dataKey: Uint8Array;
  /** Hides the keys of records; never changes. */
  readonly nameKey: Uint8Array;
}

/** What is kept of a passphrase to seal a keyring again. */
export interface WrappingKey {
  readonly cost: PassphraseCost;
  readonly salt: Uint8Array;
  /** Argon2id of the passphrase; 32 bytes. */
  readonly key: Uint8Array;
}

const FORMAT = 2;
const SALT_LENGTH = 16;
const NONCE_LENGTH = 24;
const SEALED_KEYS_LENGTH = 2 * KEYRING_KEY_LENGTH + 16;
const CHECKSUM_LENGTH = 8;
/** format (1) || memory in KiB (4) || passes (4) || version (8) || salt (16) */
const HEAD_LENGTH = 17 + SALT_LENGTH;
const KEYRING_LENGTH = HEAD_LENGTH + NONCE_LENGTH + SEALED_KEYS_LENGTH + CHECKSUM_LENGTH;

/**
 * Derives from a new passphrase the key that keyrings are sealed under.
 * @throws INVALID_ARGUMENT
 */
export async function createWrappingKey(
  passphrase: string,
  cost: PassphraseCost,
  randomBytes: RandomSource,
  argon2id?: Argon2id,
): Promise<WrappingKey> {
  const { memoryKiB, passes } = parseObject(cost, 'passphraseCost', 'memoryKiB', 'passes');
  if (!isAffordable(memoryKiB, passes)) {
    const { memoryKiB: memory, passes: most } = PASSPHRASE_COST_MAX;
    throw invalidArgument(
      'passphraseCost',
      `memory not from 8 to ${memory} KiB, or passes not from 1 to ${most}`,
    );
  }
  // How strong a passphrase has to be is for the application to decide; only a blank one is refused here.
  if (normalised(passphrase).trim() === '') throw invalidArgument('passphrase', 'blank');
  const salt = randomBytes(SALT_LENGTH);
  return { cost: { memoryKiB, passes }, salt, key: await deriveKey(passphrase, cost, salt, argon2id) };
}

/**
 * Layout: head || nonce (24) || sealed [data key (32) || name key (32)] || checksum (8). The keys are sealed with
 * XChaCha20-Poly1305 under the wrapping key, with the head as associated data. The checksum is the first bytes of SHA-256 of all before
 * it: it tells damage from a wrong passphrase, and is no protection against attackers.
 */
export function sealKeyring(
  { version, dataKey, nameKey }: Keyring,
  { cost, salt, key }: WrappingKey,
  randomBytes: RandomSource,
): Uint8Array {
  const head = new Uint8Array(HEAD_LENGTH);
  const view = new DataView(head.buffer);
  view.setUint8(0, FORMAT);
  view.setUint32(1, cost.memoryKiB);
  view.setUint32(5, cost.passes);
  view.setBigUint64(9, BigInt(version));
  head.set(salt, HEAD_LENGTH - SALT_LENGTH);
  const nonce = randomBytes(NONCE_LENGTH);
  const keys = concatBytes(dataKey, nameKey);
  const sealed = xchacha20poly1305(key, nonce, head).encrypt(keys);
  wipeBytes(keys);
  const bytes = concatBytes(head, nonce, sealed);
  return concatBytes(bytes, checksum(bytes));
}

/**
 * Opens what {@link sealKeyring} returned. All keys are fresh.
 * @throws STORE_WRONG_PASSPHRASE, STORE_CORRUPT, STORE_SCHEMA_NEWER, INVALID_ARGUMENT
 */
export async function openKeyring(
  bytes: Uint8Array,
  passphrase: string,
  argon2id?: Argon2id,
): Promise<Keyring & { readonly wrappingKey: WrappingKey }> {
  const end = bytes.length - CHECKSUM_LENGTH;
  if (end < 1 || compareBytes(bytes.subarray(end), checksum(bytes.subarray(0, end))) !== 0) throw corrupt();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const format = view.getUint8(0);
  if (format > FORMAT) {
    const details = { found: format, supported: FORMAT };
    throw new SottoError('STORE_SCHEMA_NEWER', 'The store was encrypted by newer software.', details);
  }
  const cost = { memoryKiB: view.getUint32(1), passes: view.getUint32(5) };
  // Checked before the work, so that no file can claim all memory of the machine.
  if (format !== FORMAT || bytes.length !== KEYRING_LENGTH || !isAffordable(cost.memoryKiB, cost.passes)) {
    throw corrupt();
  }
  const head = bytes.subarray(0, HEAD_LENGTH);
  const nonce = bytes.subarray(HEAD_LENGTH, HEAD_LENGTH + NONCE_LENGTH);
  const salt = copyBytes(head.subarray(HEAD_LENGTH - SALT_LENGTH));
  const key = await deriveKey(passphrase, cost, salt, argon2id);
  try {
    const keys = xchacha20poly1305(key, nonce, head).decrypt(bytes.subarray(HEAD_LENGTH + NONCE_LENGTH, end));
    const dataKey = copyBytes(keys.subarray(0, KEYRING_KEY_LENGTH));
    const nameKey = copyBytes(keys.subarray(KEYRING_KEY_LENGTH));
    wipeBytes(keys);
    return { version: Number(view.getBigUint64(9)), dataKey, nameKey, wrappingKey: { cost, salt, key } };
  } catch (error) {
    wipeBytes(key);
    const message = "The passphrase doesn't open this store.";
    throw new SottoError('STORE_WRONG_PASSPHRASE', message, {}, { cause: error });
  }
}

const portableArgon2id: Argon2id = (password, salt, { memoryKiB, passes }) =>
  argon2idAsync(password, salt, { m: memoryKiB, t: passes, p: 1, dkLen: 32 });

async function deriveKey(
  passphrase: string,
  cost: PassphraseCost,
  salt: Uint8Array,
  argon2id = portableArgon2id,
): Promise<Uint8Array> {
  const password = encodeUtf8(normalised(passphrase));
  try {
    return await argon2id(password, salt, cost);
  } finally {
    wipeBytes(password);
  }
}

/** @throws INVALID_ARGUMENT */
function normalised(passphrase: string): string {
  if (parseText(passphrase, 'passphrase') === '') throw invalidArgument('passphrase', 'empty');
  return passphrase.normalize('NFKD');
}

function isAffordable(memoryKiB: number, passes: number): boolean {
  const whole = Number.isInteger(memoryKiB) && Number.isInteger(passes);
  const { memoryKiB: mostMemory, passes: mostPasses } = PASSPHRASE_COST_MAX;
  return whole && memoryKiB >= 8 && memoryKiB <= mostMemory && passes >= 1 && passes <= mostPasses;
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, CHECKSUM_LENGTH);
}

function corrupt(): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', 'The keyring of the store is damaged.', { what: 'keyring' });
}
