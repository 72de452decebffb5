import { compareBytes, Redacted, SottoError } from '@sotto/core';
import { SenderKey as Encoded } from './generated/sotto/sender_keys/v1/sender_keys.js';
import { MAX_INDEX } from './limits.js';
import { CHAIN_LENGTH } from './message.js';

/** The fields of a {@link SenderKey}. */
export interface SenderKeyFields {
  /** Names the chain: its public key, 33 bytes, compressed SEC1. */
  readonly chain: Uint8Array;
  /** Number of the first message that can be read with it. */
  readonly index: number;
  /** The chain key of that message, 32 bytes. */
  readonly chainKey: Uint8Array;
}

/**
 * What a member is given of a chain: messages from one number on can be read with it, none before, and none can be signed. For
 * members only, over a session with each. Holds a secret, prints redacted.
 */
export class SenderKey extends Redacted implements SenderKeyFields {
  /** Names the chain: its public key, 33 bytes, compressed SEC1. */
  declare readonly chain: Uint8Array;
  /** Number of the first message that can be read with it. */
  declare readonly index: number;
  /** The chain key of that message, 32 bytes. */
  declare readonly chainKey: Uint8Array;

  constructor(fields: SenderKeyFields) {
    super();
    Object.assign(this, fields);
  }
}

/** A sender key as bytes. Secret. */
export function encodeSenderKey({ chain, index, chainKey }: SenderKeyFields): Uint8Array {
  return Encoded.encode({ chain, index, chainKey }).finish();
}

/**
 * Reads what {@link encodeSenderKey} wrote, and nothing else.
 * @throws MALFORMED_MESSAGE
 */
export function decodeSenderKey(bytes: Uint8Array): SenderKey {
  let key: SenderKeyFields;
  let again: Uint8Array;
  try {
    key = Encoded.decode(bytes);
    again = encodeSenderKey(key);
  } catch (cause) {
    throw malformed('it cannot be decoded', cause);
  }
  if (key.chain.length !== CHAIN_LENGTH) throw malformed('a chain of the wrong length');
  if (key.index > MAX_INDEX) throw malformed('a number that no message has');
  if (key.chainKey.length !== 32) throw malformed('a chain key of the wrong length');
  if (compareBytes(again, bytes) !== 0) throw malformed('not in canonical form');
  return new SenderKey(key);
}

function malformed(reason: string, cause?: unknown): SottoError {
  return new SottoError('MALFORMED_MESSAGE', 'Not a sender key.', { what: 'SenderKey', reason }, { cause });
}
