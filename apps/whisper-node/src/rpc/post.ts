import { type Clock, isSottoError, type KeyPair, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Miner, powBits } from '@sotto/whisper-transport';
import {
  type ChannelCipher,
  ENVELOPE_MAX_BYTES,
  encodeEnvelope,
  encodePlain,
  encodeWithoutNonce,
  sealData,
} from '@sotto/whisper-transport/whisper';
import type { KeyStore } from './key-store.js';
import type { Fields } from './params.js';
import { refused } from './rpc-error.js';

/** Default time to live of an envelope, in seconds. */
const DEFAULT_TTL = 50;
/** Bytes of an encoded nonce, and by which the list's length may grow. */
const NONCE_MOST = 12;

export interface PostOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly keys: KeyStore;
  readonly miner: Pick<Miner, 'mine'>;
  readonly policy: () => { readonly minimumPow: number; readonly maxTtl: number };
  /** Most seconds of proof of work that a client may request. */
  readonly maxPowTime: number;
}

/** Seals a message for `shh_post`, with the checks and errors of go-ethereum in the same order. */
export async function sealPosted(options: PostOptions, fields: Fields): Promise<Uint8Array> {
  const { crypto, clock, keys, policy } = options;
  const cipherOf = readCipher(options, fields);
  const sig = fields.text('sig');
  const signer: KeyPair | undefined = sig === '' ? undefined : keys.pair(sig);
  const topic = fields.topic('topic');
  const cipher = cipherOf();
  const ttl = fields.number('ttl') || DEFAULT_TTL;
  const powTarget = fields.number('powTarget');
  const { minimumPow, maxTtl } = policy();
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > maxTtl) throw refused(`ttl of more than ${maxTtl} seconds`);
  if (!(powTarget >= minimumPow)) throw refused('message rejected, PoW too low');
  const padding = fields.bytes('padding');
  const plain = encodePlain(
    crypto,
    fields.bytes('payload'),
    signer,
    padding.length === 0 ? undefined : padding,
  );
  const expiry = Math.floor(clock.now() / 1000) + ttl;
  const unmined = { expiry, ttl, topic, data: sealData(crypto, cipher, plain) };
  const nonce = await mine(options, unmined, powTarget, fields.number('powTime'));
  return encodeEnvelope({ ...unmined, nonce });
}

/** Checks first which key is meant, and later whether it exists: the order of errors in go-ethereum. */
function readCipher({ crypto, keys }: PostOptions, fields: Fields): () => ChannelCipher {
  const symKeyId = fields.text('symKeyID');
  const pubKey = fields.bytes('pubKey');
  if ((symKeyId === '') === (pubKey.length === 0)) {
    throw refused('specify either a symmetric or an asymmetric key');
  }
  return () => {
    if (symKeyId === '')
      return { kind: 'asymmetric', recipient: parsePublicKey(crypto, pubKey, 'invalid public key') };
    if (fields.topic('topic').every((byte) => byte === 0)) throw refused('missing topic(s)');
    return { kind: 'symmetric', key: keys.symmetric(symKeyId) };
  };
}

async function mine(
  { miner, maxPowTime }: PostOptions,
  unmined: Parameters<typeof encodeWithoutNonce>[0],
  powTarget: number,
  powTime: number,
): Promise<bigint> {
  const insufficient = () =>
    refused(`failed to reach the PoW target, specified pow time (${powTime} seconds) was insufficient`);
  const prefix = encodeWithoutNonce(unmined);
  // The network would refuse it, so no proof of work is done. go-ethereum does it until the time is over, and then returns this.
  if (prefix.length + NONCE_MOST > ENVELOPE_MAX_BYTES) throw insufficient();
  try {
    const timeLimit = 1000 * Math.min(Math.max(0, powTime), maxPowTime);
    return await miner.mine(prefix, powBits(powTarget, prefix.length, unmined.ttl), { timeLimit });
  } catch (error) {
    if (isSottoError(error, 'TIMEOUT')) throw insufficient();
    throw error;
  }
}

/** A public key of 65 bytes. */
export function parsePublicKey(crypto: CryptoProvider, bytes: Uint8Array, otherwise: string): PublicKey {
  try {
    if (bytes.length === 65) return crypto.secp256k1.parsePublicKey(bytes);
  } catch (error) {
    if (!isSottoError(error, 'INVALID_PUBLIC_KEY')) throw error;
  }
  throw refused(otherwise);
}
