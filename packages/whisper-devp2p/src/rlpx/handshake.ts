/** The handshake of RLPx, in the form of EIP-8: https://github.com/ethereum/devp2p/blob/master/rlpx.md */
import { concatBytes, copyBytes, type KeyPair, type PublicKey, wipeBytes } from '@sotto/core';
import { type CryptoProvider, ECIES_OVERHEAD, openEcies, sealEcies } from '@sotto/crypto';
import { encodeList, firstItem, malformed, readBytes, splitList } from '@sotto/whisper-transport/internal';

/** Bytes of the length prefix of each of the two messages. */
export const LENGTH_BYTES = 2;
const NONCE_LENGTH = 32;
const SIGNATURE_LENGTH = 65;
/** Version of the handshake: deployed nodes send 4 and ignore what others send. */
const VERSION = 4;
/** Random bytes after a message: at least so many, and up to so many more. */
const PADDING_LEAST = 100;
const PADDING_SPREAD = 151;
/** Items of a message at most; those of later versions are ignored. */
const ITEMS_MOST = 16;

/** What one side keeps until the secrets are derived. */
export interface OwnHalf {
  readonly ephemeral: KeyPair;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

/** The contents of the other side's message. */
export interface RemoteHalf {
  readonly ephemeral: PublicKey;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

/** The secrets of a connection, 32 bytes each. */
export interface Secrets {
  readonly aes: Uint8Array;
  readonly mac: Uint8Array;
}

export function newHalf(crypto: CryptoProvider): OwnHalf {
  return { ephemeral: crypto.secp256k1.generateKeyPair(), nonce: crypto.randomBytes(NONCE_LENGTH) };
}

/** The dialer's message: proves its node key to the peer, and only to the peer. @param peer 33 bytes */
export function sealAuth(
  crypto: CryptoProvider,
  half: OwnHalf,
  nodeKey: KeyPair,
  peer: PublicKey,
): Uint8Array {
  const token = xor(crypto.secp256k1.ecdh(nodeKey.privateKey, peer), half.nonce);
  const signature = crypto.secp256k1.signRecoverable(token, half.ephemeral.privateKey);
  wipeBytes(token);
  return sealMessage(crypto, peer, [signature, rawKey(crypto, nodeKey.publicKey), half.nonce, VERSION]);
}

/**
 * Opens the dialer's message.
 * @param message with its length
 * @throws AUTHENTICATION_FAILED, INVALID_LENGTH, INVALID_PUBLIC_KEY, INVALID_SIGNATURE, MALFORMED_MESSAGE
 */
export function openAuth(
  crypto: CryptoProvider,
  nodeKey: KeyPair,
  message: Uint8Array,
): RemoteHalf & { readonly peer: PublicKey } {
  const [signature, key, nonce] = openMessage(crypto, nodeKey, message, [SIGNATURE_LENGTH, 64, NONCE_LENGTH]);
  const peer = keyFromRaw(crypto, key as Uint8Array);
  const token = xor(crypto.secp256k1.ecdh(nodeKey.privateKey, peer), nonce as Uint8Array);
  const ephemeral = crypto.secp256k1.recoverPublicKey(token, signature as Uint8Array);
  wipeBytes(token);
  return { peer, ephemeral, nonce: nonce as Uint8Array };
}

/** The listener's answer. @param peer 33 bytes */
export function sealAck(crypto: CryptoProvider, half: OwnHalf, peer: PublicKey): Uint8Array {
  return sealMessage(crypto, peer, [rawKey(crypto, half.ephemeral.publicKey), half.nonce, VERSION]);
}

/** Opens the listener's answer. @throws as {@link openAuth} does */
export function openAck(crypto: CryptoProvider, nodeKey: KeyPair, message: Uint8Array): RemoteHalf {
  const [key, nonce] = openMessage(crypto, nodeKey, message, [64, NONCE_LENGTH]);
  return { ephemeral: keyFromRaw(crypto, key as Uint8Array), nonce: nonce as Uint8Array };
}

/** The secrets that both sides share. @param dialed whether we are the dialer */
export function deriveSecrets(
  crypto: CryptoProvider,
  own: OwnHalf,
  remote: RemoteHalf,
  dialed: boolean,
): Secrets {
  const [listener, dialer] = dialed ? [remote.nonce, own.nonce] : [own.nonce, remote.nonce];
  const ephemeral = crypto.secp256k1.ecdh(own.ephemeral.privateKey, remote.ephemeral);
  const shared = crypto.keccak256(ephemeral, crypto.keccak256(listener, dialer));
  const aes = crypto.keccak256(ephemeral, shared);
  const mac = crypto.keccak256(ephemeral, aes);
  wipeBytes(ephemeral, shared);
  return { aes, mac };
}

/** `length 2 || ECIES(RLP || padding)`, with the length authenticated. */
function sealMessage(
  crypto: CryptoProvider,
  peer: PublicKey,
  items: readonly (Uint8Array | number)[],
): Uint8Array {
  const [spread = 0] = crypto.randomBytes(1);
  const padding = crypto.randomBytes(PADDING_LEAST + (spread % PADDING_SPREAD));
  const plain = concatBytes(encodeList(items), padding);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint16(0, plain.length + ECIES_OVERHEAD);
  return concatBytes(length, sealEcies(crypto, peer, plain, length));
}

/** The first items of a message, copied; each has its length. */
function openMessage(
  crypto: CryptoProvider,
  nodeKey: KeyPair,
  message: Uint8Array,
  lengths: readonly number[],
): Uint8Array[] {
  const [length, sealed] = [message.subarray(0, LENGTH_BYTES), message.subarray(LENGTH_BYTES)];
  const plain = openEcies(crypto, nodeKey.privateKey, sealed, length);
  const items = splitList('handshake', firstItem('handshake', plain), ITEMS_MOST);
  return lengths.map((expected, i) => {
    const bytes = readBytes('handshake', items[i] ?? Uint8Array.of());
    if (bytes.length !== expected)
      throw malformed('handshake', `${bytes.length} bytes instead of ${expected}`);
    return copyBytes(bytes);
  });
}

/** A public key as devp2p has it: 64 bytes, uncompressed, without the first byte. */
function rawKey(crypto: CryptoProvider, key: PublicKey): Uint8Array {
  return crypto.secp256k1.uncompressPublicKey(key).subarray(1);
}

/** @throws INVALID_PUBLIC_KEY */
export function keyFromRaw(crypto: CryptoProvider, raw: Uint8Array): PublicKey {
  return crypto.secp256k1.parsePublicKey(concatBytes(Uint8Array.of(4), raw));
}

/** XOR of two arrays of the same length. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number));
}
