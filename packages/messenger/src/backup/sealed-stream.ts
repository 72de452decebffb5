import { argon2idAsync } from '@noble/hashes/argon2.js';
import {
  ByteCollector,
  concatBytes,
  copyBytes,
  decodeUtf8,
  encodeUtf8,
  invalidArgument,
  isSottoError,
  parseBytes,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/*
 * Version 1: magic | version 1 | salt 16 | passes 4, memory in KiB 4 | first 4 bytes of SHA-256 of all that
 * then parts: length 4 | AES-256-GCM under the key of the passphrase, with the header as associated data and the nonce
 * last part? 1 | zero 7 | number 4. The first part is empty: it distinguishes a wrong passphrase from damage.
 * The key is fresh with each salt, so a nonce that counts is never reused. Numbers are big-endian.
 */
const MAGIC = encodeUtf8('sotto backup\n');
const VERSION = 1;
const SALT_LENGTH = 16;
const CHECK_LENGTH = 4;
const HEADER_LENGTH = MAGIC.length + 1 + SALT_LENGTH + 8 + CHECK_LENGTH;
/** Largest part that is read. Written parts are far smaller unless a single record is large. */
const PART_MAX_BYTES = 64 * 1024 * 1024;

/** Argon2id parameters: how expensive each guess of the passphrase is. */
export interface BackupCost {
  /** Memory in KiB, 8 to 262144. */
  readonly memoryKiB: number;
  /** Passes, 1 to 10. */
  readonly passes: number;
}

/** Takes about half a second: an attacker can work on a copied backup at leisure. */
export const DEFAULT_BACKUP_COST: BackupCost = { memoryKiB: 64 * 1024, passes: 1 };
/**
 * Highest cost that is accepted, also from the header of a backup, which anyone may have written: 256 MiB and ten passes,
 * about 20 s in plain JavaScript on a desktop of 2020.
 */
export const BACKUP_COST_MAX: BackupCost = { memoryKiB: 256 * 1024, passes: 10 };
/**
 * Shortest passphrase of a new backup in characters, after normalisation. It rules out a slip of the finger; four characters
 * are guessed in hours. Applications should ask for several words.
 */
export const BACKUP_PASSPHRASE_MIN_LENGTH = 4;

function isAffordable({ memoryKiB, passes }: BackupCost): boolean {
  const whole = Number.isInteger(memoryKiB) && Number.isInteger(passes);
  const { memoryKiB: mostMemory, passes: mostPasses } = BACKUP_COST_MAX;
  return whole && memoryKiB >= 8 && memoryKiB <= mostMemory && passes >= 1 && passes <= mostPasses;
}

async function keyOf(
  passphrase: string,
  salt: Uint8Array,
  { memoryKiB, passes }: BackupCost,
): Promise<Uint8Array> {
  return argon2idAsync(encodeUtf8(passphrase.normalize('NFKC')), salt, {
    t: passes,
    m: memoryKiB,
    p: 1,
    dkLen: 32,
  });
}

function nonceOf(number: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce[0] = last ? 1 : 0;
  new DataView(nonce.buffer).setUint32(8, number);
  return nonce;
}

function bigEndian32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value);
  return bytes;
}

/**
 * Encrypts parts one after another into a stream of bytes.
 * @throws INVALID_ARGUMENT for a passphrase that is too short, and a cost out of range
 */
export async function* sealStream(
  crypto: CryptoProvider,
  passphrase: string,
  parts: AsyncIterable<Uint8Array>,
  cost: BackupCost = DEFAULT_BACKUP_COST,
): AsyncGenerator<Uint8Array, void> {
  // By code points: a letter counts once, however it is encoded.
  if ([...passphrase.normalize('NFKC').trim()].length < BACKUP_PASSPHRASE_MIN_LENGTH) {
    throw invalidArgument('passphrase', `shorter than ${BACKUP_PASSPHRASE_MIN_LENGTH} characters`);
  }
  if (!isAffordable(cost)) throw invalidArgument('cost', 'memory or passes out of range');
  const salt = crypto.randomBytes(SALT_LENGTH);
  const head = concatBytes(MAGIC, Uint8Array.of(VERSION), salt, bigEndian32(cost.passes, cost.memoryKiB));
  const header = concatBytes(head, crypto.sha256(head).subarray(0, CHECK_LENGTH));
  const key = await keyOf(passphrase, salt, cost);
  yield header;
  let number = 0;
  const seal = (part: Uint8Array, last: boolean) => {
    const sealed = crypto.sealAes256Gcm(key, nonceOf(number++, last), part, header);
    return concatBytes(bigEndian32(sealed.length), sealed);
  };
  yield seal(new Uint8Array(0), false);
  for await (const part of parts) yield seal(part, false);
  yield seal(new Uint8Array(0), true);
}

/**
 * Opens what {@link sealStream} made, however the stream is cut into chunks.
 * @throws MALFORMED_MESSAGE when it is not a backup, is damaged, truncated, or has trailing bytes; STATE_VERSION_UNSUPPORTED;
 *   STORE_WRONG_PASSPHRASE
 */
export async function* openStream(
  crypto: CryptoProvider,
  passphrase: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const input = new ChunkReader(chunks);
  try {
    yield* partsOf(crypto, passphrase, input);
  } finally {
    await input.close();
  }
}

async function* partsOf(
  crypto: CryptoProvider,
  passphrase: string,
  input: ChunkReader,
): AsyncGenerator<Uint8Array, void> {
  const header = await input.read(HEADER_LENGTH);
  const head = header.subarray(0, HEADER_LENGTH - CHECK_LENGTH);
  if (safeText(head.subarray(0, MAGIC.length)) !== decodeUtf8(MAGIC))
    throw damaged('it is not a backup of Sotto');
  const version = head[MAGIC.length] as number;
  if (version !== VERSION) {
    throw new SottoError('STATE_VERSION_UNSUPPORTED', 'The backup was made by a newer version.', {
      what: 'backup',
      version,
    });
  }
  if (!crypto.equalBytes(crypto.sha256(head).subarray(0, CHECK_LENGTH), header.subarray(head.length))) {
    throw damaged('its header is damaged');
  }
  const saltAt = MAGIC.length + 1;
  const view = new DataView(head.buffer, head.byteOffset + saltAt + SALT_LENGTH, 8);
  const cost = { passes: view.getUint32(0), memoryKiB: view.getUint32(4) };
  // Before the derivation: a file must not be able to claim all memory of the machine.
  if (!isAffordable(cost)) throw damaged('its passphrase cost is out of range');
  const key = await keyOf(passphrase, head.subarray(saltAt, saltAt + SALT_LENGTH), cost);

  for (let number = 0; ; number++) {
    const sealed = await input.part();
    const next = open(crypto, key, header, sealed, number);
    if (next.last) break;
    if (number > 0) yield next.part;
  }
  if (!(await input.atEnd())) throw damaged('something follows its end');
}

function open(
  crypto: CryptoProvider,
  key: Uint8Array,
  header: Uint8Array,
  sealed: Uint8Array,
  number: number,
): { readonly part: Uint8Array; readonly last: boolean } {
  for (const last of [false, true]) {
    try {
      return { part: crypto.openAes256Gcm(key, nonceOf(number, last), sealed, header), last };
    } catch (error) {
      if (!isSottoError(error, 'AUTHENTICATION_FAILED')) throw error;
    }
  }
  if (number === 0) {
    throw new SottoError('STORE_WRONG_PASSPHRASE', 'The passphrase does not open this backup.', {});
  }
  throw damaged('a part of it was altered');
}

function safeText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The error of a backup that can't be read. */
export function damaged(reason: string, cause?: unknown): SottoError<'MALFORMED_MESSAGE'> {
  const details = { what: 'backup', reason };
  return new SottoError('MALFORMED_MESSAGE', `The backup cannot be read: ${reason}.`, details, { cause });
}

/** Reads exact numbers of bytes from chunks of any size. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Received and not read yet: a view of a chunk that is ours. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Uint8Array> {
    if (this.#rest.length < length) {
      const received = new ByteCollector();
      received.add(this.#rest);
      while (received.length < length) {
        const { done, value } = await this.#chunks.next();
        if (done) throw damaged('it ends too early');
        received.add(parseBytes(value, 'chunk'));
      }
      this.#rest = received.take();
    }
    const wanted = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return wanted;
  }

  async part(): Promise<Uint8Array> {
    const prefix = await this.read(4);
    const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
    if (length > PART_MAX_BYTES) throw damaged('a part of it is too large');
    return this.read(length);
  }

  /** Closes the source, such as an open file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async atEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return true;
      this.#rest = copyBytes(value, 'chunk');
    }
    return false;
  }
}
