import { systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createInlineMiner, powBits } from '@sotto/whisper-transport';
import { encodeEnvelope, encodeWithoutNonce, proofOfWork } from '@sotto/whisper-transport/whisper';

const crypto = defaultProvider();

export interface EnvelopeFields {
  readonly topic: Uint8Array;
  /** Seconds. */
  readonly ttl?: number;
  /** Seconds since the epoch. */
  readonly expiry?: number;
  /** Nobody works for it. */
  readonly idle?: boolean;
  /** Bytes of the whole. */
  readonly size?: number;
  /** What is in it, in the place of bytes that mean nothing and make up the size. */
  readonly data?: Uint8Array;
}

const miner = createInlineMiner(systemClock);
/** What an envelope has beside its data, about. */
const HEAD = 40;

/** An envelope with its proof of work. */
export async function sealEnvelope(fields: EnvelopeFields): Promise<Uint8Array> {
  const { topic, ttl = 15, size = 350 } = fields;
  const expiry = fields.expiry ?? Math.floor(Date.now() / 1000) + ttl;
  for (let length = size - HEAD; ; ) {
    const data = fields.data ?? nonsense(length);
    const unmined = { expiry, ttl, topic, data };
    const prefix = encodeWithoutNonce(unmined);
    const nonce = fields.idle
      ? idleNonce(unmined)
      : await miner.mine(prefix, powBits(0.002, prefix.length, Math.max(1, ttl)));
    const encoded = encodeEnvelope({ ...unmined, nonce });
    if (fields.size === undefined || encoded.length === size) return encoded;
    length += size - encoded.length;
  }
}

/** What nobody can open. */
function nonsense(length: number): Uint8Array {
  const data = new Uint8Array(length);
  data.set(crypto.randomBytes(Math.min(length, 60_000)));
  return data;
}

function idleNonce(unmined: Parameters<typeof encodeWithoutNonce>[0]): bigint {
  for (let nonce = 0n; ; nonce++) if (proofOfWork(crypto, { ...unmined, nonce }) < 0.002) return nonce;
}
