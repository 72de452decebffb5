import { createPortableProvider } from '@sotto/crypto';
import { type Envelope, encodeEnvelope, encodeWithoutNonce } from '../../src/envelope/envelope.js';
import { powBits } from '../../src/mining/miner.js';
import { createNonceSearch } from '../../src/mining/nonce-search.js';

export const crypto = createPortableProvider();
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
  const search = createNonceSearch(prefix);
  for (let start = 0; ; ) {
    const { nonce, bits } = search.find(powBits(pow, prefix.length, ttl), start, 1e9);
    if (2 ** bits / prefix.length / ttl < below) return encodeEnvelope({ ...unmined, nonce });
    start = Number(nonce) + 1;
  }
}

/** One that nobody worked for, and that was not lucky either. */
export function lazyEnvelope(): Uint8Array {
  const expiry = Math.floor(Date.now() / 1000) + 15;
  for (;;) {
    const unmined = { expiry, ttl: 15, topic: TOPIC, data: crypto.randomBytes(256) };
    const prefix = encodeWithoutNonce(unmined);
    // One bit of zero at most: a proof of work below 0.001.
    const { nonce, bits } = createNonceSearch(prefix).find(2, 0, 1);
    if (bits < 2) return encodeEnvelope({ ...unmined, nonce });
  }
}
