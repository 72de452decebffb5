import { decodeHex, isSottoError, type PublicKey, type Topic } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { ENVELOPE_MAX_BYTES } from '@sotto/whisper-transport/whisper';
import { isRecord } from '../json-rpc/message.js';

/** A message that a node has opened for us. */
export interface NodeMessage {
  /** KECCAK-256 of the envelope, hex without prefix. */
  readonly hash: string;
  /** 4 bytes. */
  readonly topic: Topic;
  /** The signer, verified by the node. */
  readonly signer: PublicKey;
  /** Fresh. */
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/**
 * Reads a message as `shh_subscribe` and `shh_getFilterMessages` return it.
 *
 * @returns the reason for a message that can't be delivered, such as an unsigned one
 */
export function parseNodeMessage(crypto: CryptoProvider, value: unknown): NodeMessage | string {
  if (!isRecord(value)) return 'not an object';
  const { hash, topic, sig, payload, timestamp } = value;
  if (sig === undefined || sig === null || sig === '' || sig === '0x') return 'not signed';
  if (typeof hash !== 'string' || typeof topic !== 'string' || typeof sig !== 'string') return 'malformed';
  if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp * 1000)) return 'malformed';
  // An empty payload may be left out.
  const text = payload ?? '0x';
  if (typeof text !== 'string') return 'malformed';
  if (text.length > 2 + 2 * ENVELOPE_MAX_BYTES) return 'too large';
  try {
    return {
      hash: hash.replace(/^0x/, '').toLowerCase(),
      topic: decodeHex(topic),
      signer: crypto.secp256k1.parsePublicKey(decodeHex(sig)),
      payload: decodeHex(text),
      sentAt: timestamp * 1000,
    };
  } catch (error) {
    if (isSottoError(error)) return 'malformed';
    throw error;
  }
}
