import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { compareBytes, concatBytes, encodeUtf8, type RandomSource, SottoError, wipeBytes } from '@sotto/core';

/** What one guess at a passphrase costs: the parameters of Argon2id (RFC 9106), with one lane. */
export interface PassphraseCost {
  /** Memory in KiB, 8 to 1048576. */
  readonly memoryKiB: number;
  /** Passes over the memory, 1 to 64. */
  readonly passes: number;
}

/**
 * 64 MiB, one pass: above OWASP's minimum of 46 MiB with one pass, and half a second in plain JavaScript on a desktop
 * of 2020.
 */
export const DEFAULT_PASSPHRASE_COST: PassphraseCost = { memoryKiB: 64 * 1024, passes: 1 };

/** Length in bytes of the key that all others of an encrypted store derive from. */
export const DATA_KEY_LENGTH = 32;

/** The data key sealed under a passphrase. */
export interface Keyring {
  /** Grows with each change of the passphrase, so that an old keyring put back is noticed. */
  readonly version: number;
  readonly dataKey: Uint8Array;
}

const FORMAT = 1;
const SALT_LENGTH = 16;
const NONCE_LENGTH = 24;
const SEALED_KEY_LENGTH = DATA_KEY_LENGTH + 16;
const CHECKSUM_LENGTH = 8;
/** format (1) || memory in KiB (4) || passes (4) || version (8) || salt (16) */
const HEAD_LENGTH = 17 + SALT_LENGTH;
const KEYRING_LENGTH = HEAD_LENGTH + NONCE_LENGTH + SEALED_KEY_LENGTH + CHECKSUM_LENGTH;

/**
 * Layout: head || nonce (24) || sealed data key (48) || checksum (8). The data key is sealed with XChaCha20-Poly1305
 * under Argon2id of the passphrase, with the head as associated data. The checksum begins SHA-256 of all before it:
 * it tells damage from a wrong passphrase, and protects from nothing.
 * @throws INVALID_ARGUMENT
 */
export async function sealKeyring(
  { version, dataKey }: Keyring,
  passphrase: string,
  { memoryKiB, passes }: PassphraseCost,
  randomBytes: RandomSource,
): Promise<Uint8Array> {
  if (!isAffordable(memoryKiB, passes)) {
    throw invalid('passphraseCost', 'memory not from 8 KiB to 1 GiB, or passes not from 1 to 64');
  }
  const head = new Uint8Array(HEAD_LENGTH);
  const view = new DataView(head.buffer);
  view.setUint8(0, FORMAT);
  view.setUint32(1, memoryKiB);
  view.setUint32(5, passes);
  view.setBigUint64(9, BigInt(version));
  head.set(randomBytes(SALT_LENGTH), 17);
  const nonce = randomBytes(NONCE_LENGTH);
  const wrappingKey = await deriveWrappingKey(passphrase, head);
  const sealed = xchacha20poly1305(wrappingKey, nonce, head).encrypt(dataKey);
  wipeBytes(wrappingKey);
  const bytes = concatBytes(head, nonce, sealed);
  return concatBytes(bytes, checksum(bytes));
}

/**
 * Opens what {@link sealKeyring} gave. The data key is fresh.
 * @throws STORE_WRONG_PASSPHRASE, STORE_CORRUPT, STORE_SCHEMA_NEWER, INVALID_ARGUMENT
 */
export async function openKeyring(bytes: Uint8Array, passphrase: string): Promise<Keyring> {
  const end = bytes.length - CHECKSUM_LENGTH;
  if (end < 1 || compareBytes(bytes.subarray(end), checksum(bytes.subarray(0, end))) !== 0) throw corrupt();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const format = view.getUint8(0);
  if (format > FORMAT) {
    const details = { found: format, supported: FORMAT };
    throw new SottoError('STORE_SCHEMA_NEWER', 'The store was encrypted by newer software.', details);
  }
  // Checked before the work, so that no file can ask for the memory of the whole machine.
  if (bytes.length !== KEYRING_LENGTH || !isAffordable(view.getUint32(1), view.getUint32(5))) throw corrupt();
  const head = bytes.subarray(0, HEAD_LENGTH);
  const nonce = bytes.subarray(HEAD_LENGTH, HEAD_LENGTH + NONCE_LENGTH);
  const wrappingKey = await deriveWrappingKey(passphrase, head);
  try {
    const sealed = bytes.subarray(HEAD_LENGTH + NONCE_LENGTH, end);
    const dataKey = xchacha20poly1305(wrappingKey, nonce, head).decrypt(sealed);
    return { version: Number(view.getBigUint64(9)), dataKey };
  } catch (error) {
    const message = "The passphrase doesn't open this store.";
    throw new SottoError('STORE_WRONG_PASSPHRASE', message, {}, { cause: error });
  } finally {
    wipeBytes(wrappingKey);
  }
}

async function deriveWrappingKey(passphrase: string, head: Uint8Array): Promise<Uint8Array> {
  if (typeof passphrase !== 'string' || passphrase === '') throw invalid('passphrase', 'empty');
  const password = encodeUtf8(passphrase.normalize('NFKD'));
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [memoryKiB, passes] = [view.getUint32(1), view.getUint32(5)];
  try {
    const salt = head.slice(17);
    return await argon2idAsync(password, salt, { m: memoryKiB, t: passes, p: 1, dkLen: 32 });
  } finally {
    wipeBytes(password);
  }
}

function isAffordable(memoryKiB: number, passes: number): boolean {
  const whole = Number.isInteger(memoryKiB) && Number.isInteger(passes);
  return whole && memoryKiB >= 8 && memoryKiB <= 1024 * 1024 && passes >= 1 && passes <= 64;
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, CHECKSUM_LENGTH);
}

function corrupt(): SottoError<'STORE_CORRUPT'> {
  return new SottoError('STORE_CORRUPT', 'The keyring of the store is damaged.', { what: 'keyring' });
}

function invalid(what: string, reason: string): SottoError<'INVALID_ARGUMENT'> {
  return new SottoError('INVALID_ARGUMENT', `Not a valid ${what}: ${reason}.`, { what, reason });
}
