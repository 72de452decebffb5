/** The frames of RLPx after the handshake: `header 16 || MAC 16 || body, padded || MAC 16`. */
import { type Cipher, createCipheriv } from 'node:crypto';
import { concatBytes, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { encodeList } from '@sotto/whisper-transport/internal';
import { type OwnHalf, type RemoteHalf, type Secrets, xor } from './handshake.js';
import type { MacHash, NewMacHash } from './mac-hash.js';

/** Bytes of a header with its MAC. */
export const HEADER_BYTES = 32;
const BLOCK = 16;
/** Largest body of a frame: its length has three bytes. */
const BODY_MOST = 2 ** 24 - 1;
/** What deployed nodes send after the length, and ignore: capability and context 0. */
const HEADER_DATA = encodeList([0, 0]);

export interface FrameCipherOptions {
  readonly crypto: CryptoProvider;
  readonly secrets: Secrets;
  readonly own: OwnHalf;
  readonly remote: RemoteHalf;
  /** The messages of the handshake as sent: the MACs start with them. */
  readonly ownMessage: Uint8Array;
  readonly remoteMessage: Uint8Array;
  readonly newMacHash: NewMacHash;
}

/** Seals and opens the frames of one connection, in the order in which they go over the wire. */
export class FrameCipher {
  readonly #crypto: CryptoProvider;
  readonly #egress: Cipher;
  readonly #ingress: Cipher;
  readonly #egressMac: FrameMac;
  readonly #ingressMac: FrameMac;

  constructor(options: FrameCipherOptions) {
    const { crypto, secrets, own, remote, ownMessage, remoteMessage, newMacHash } = options;
    const newStream = () => createCipheriv('aes-256-ctr', secrets.aes, new Uint8Array(BLOCK));
    this.#crypto = crypto;
    this.#egress = newStream();
    this.#ingress = newStream();
    this.#egressMac = new FrameMac(secrets.mac, newMacHash(), xor(secrets.mac, remote.nonce), ownMessage);
    this.#ingressMac = new FrameMac(secrets.mac, newMacHash(), xor(secrets.mac, own.nonce), remoteMessage);
  }

  /** @throws LIMIT_EXCEEDED for a message that no frame can hold */
  seal(message: Uint8Array): Uint8Array {
    if (message.length > BODY_MOST) {
      throw new SottoError('LIMIT_EXCEEDED', 'The message is too large for a frame.', {
        what: 'bytes of a frame',
        limit: BODY_MOST,
        actual: message.length,
      });
    }
    const header = new Uint8Array(BLOCK);
    new DataView(header.buffer).setUint32(0, message.length << 8);
    header.set(HEADER_DATA, 3);
    const sealedHeader = this.#egress.update(header);
    const headerMac = this.#egressMac.ofHeader(sealedHeader);
    const padded = new Uint8Array(paddedLength(message.length));
    padded.set(message);
    const body = this.#egress.update(padded);
    return concatBytes(sealedHeader, headerMac, body, this.#egressMac.ofBody(body));
  }

  /**
   * Opens a header of {@link HEADER_BYTES}.
   * @returns bytes of the body, without its padding
   * @throws AUTHENTICATION_FAILED
   */
  openHeader(bytes: Uint8Array): number {
    const header = bytes.subarray(0, BLOCK);
    this.#check(this.#ingressMac.ofHeader(header), bytes.subarray(BLOCK));
    const [high = 0, middle = 0, low = 0] = this.#ingress.update(header);
    return (high << 16) | (middle << 8) | low;
  }

  /**
   * Opens the rest of a frame, padding and MAC included.
   * @param length what {@link openHeader} returned
   * @throws AUTHENTICATION_FAILED
   */
  openBody(bytes: Uint8Array, length: number): Uint8Array {
    const body = bytes.subarray(0, -BLOCK);
    this.#check(this.#ingressMac.ofBody(body), bytes.subarray(-BLOCK));
    return new Uint8Array(this.#ingress.update(body)).subarray(0, length);
  }

  #check(expected: Uint8Array, actual: Uint8Array): void {
    if (this.#crypto.equalBytes(expected, actual)) return;
    throw new SottoError('AUTHENTICATION_FAILED', 'The MAC of a frame is wrong.', { what: 'RLPx frame' });
  }
}

/** Bytes of a body on the wire, with padding and MAC. */
export function sealedBodyLength(length: number): number {
  return paddedLength(length) + BLOCK;
}

function paddedLength(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

/** The MAC of one direction: a running hash of all frames, mixed with AES. */
class FrameMac {
  readonly #secret: Uint8Array;
  readonly #hash: MacHash;

  constructor(secret: Uint8Array, hash: MacHash, ...begin: readonly Uint8Array[]) {
    this.#secret = secret;
    this.#hash = hash;
    for (const bytes of begin) hash.update(bytes);
  }

  ofHeader(sealed: Uint8Array): Uint8Array {
    return this.#stir(this.#digest(), sealed);
  }

  ofBody(sealed: Uint8Array): Uint8Array {
    this.#hash.update(sealed);
    const digest = this.#digest();
    return this.#stir(digest, digest);
  }

  #stir(digest: Uint8Array, seed: Uint8Array): Uint8Array {
    const block = createCipheriv('aes-256-ecb', this.#secret, null).setAutoPadding(false).update(digest);
    this.#hash.update(xor(block, seed));
    return this.#digest();
  }

  #digest(): Uint8Array {
    return this.#hash.clone().digest().subarray(0, BLOCK);
  }
}
