import { keccak_256 } from '@noble/hashes/sha3.js';
import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import {
  type Envelope,
  encodeEnvelope,
  encodeWithoutNonce,
  proofOfWork,
} from '@sotto/whisper-transport/whisper';

export const crypto = defaultProvider();
export const TOPIC = Uint8Array.of(1, 2, 3, 4);

export interface EnvelopeOptions extends Partial<Omit<Envelope, 'nonce'>> {
  /** Proof of work reached. Default 0.01. */
  readonly pow?: number;
  /** Proof of work that it does not reach by luck either. */
  readonly below?: number;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}

/** An encoded envelope of random contents. */
export function envelope(options: EnvelopeOptions = {}): Uint8Array {
  const { pow = 0.01, below = Number.POSITIVE_INFINITY, now = Date.now(), ...fields } = options;
  const ttl = fields.ttl ?? 15;
  const unmined = {
    expiry: Math.floor(now / 1000) + ttl,
    ttl,
    topic: TOPIC,
    data: crypto.randomBytes(256),
    ...fields,
  };
  const prefix = encodeWithoutNonce(unmined);
  // Hashed once: it may be large.
  const begun = keccak_256.create().update(prefix);
  for (let nonce = 0n; ; nonce++) {
    const counter = new Uint8Array(8);
    new DataView(counter.buffer).setBigUint64(0, nonce);
    const digest = BigInt(`0x${encodeHex(begun.clone().update(counter).digest())}`);
    const reached = 2 ** (256 - digest.toString(2).length) / prefix.length / ttl;
    if (reached >= pow && reached < below) return encodeEnvelope({ ...unmined, nonce });
  }
}

/** One without proof of work, not even by luck. */
export function lazyEnvelope(): Uint8Array {
  const expiry = Math.floor(Date.now() / 1000) + 15;
  for (;;) {
    const unmined = { expiry, ttl: 15, topic: TOPIC, data: crypto.randomBytes(256), nonce: 0n };
    if (proofOfWork(crypto, unmined) < 0.001) return encodeEnvelope(unmined);
  }
}
