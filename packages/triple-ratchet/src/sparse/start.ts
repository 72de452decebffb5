import { type CryptoProvider, parseBytes, SHARED_KEY_LENGTH, SottoError } from '@sotto/core';
import { nothingCollected } from './chunks.js';
import { startKeys } from './epoch-keys.js';
import { type SparseSide, SparseState } from './state.js';

/**
 * The initial state of one side. Both begin with the same secret; the initiator offers the first encapsulation key.
 * @param secret 32 bytes that both know and that nothing else is derived from in the same way; borrowed
 * @throws INVALID_LENGTH, INVALID_ARGUMENT
 */
export function startSparse(crypto: CryptoProvider, side: SparseSide, secret: Uint8Array): SparseState {
  if (parseBytes(secret, 'secret').length !== SHARED_KEY_LENGTH) {
    throw new SottoError('INVALID_LENGTH', `The secret must have ${SHARED_KEY_LENGTH} bytes.`, {
      what: 'secret',
      expected: SHARED_KEY_LENGTH,
      actual: secret.length,
    });
  }
  const keys = startKeys(crypto, side, secret);
  return new SparseState({
    side,
    rootKey: keys.rootKey,
    epoch: 1,
    exchange:
      side === 'initiator'
        ? { kind: 'offering', pair: undefined, acknowledged: 0, cursor: 0 }
        : { kind: 'collecting key', collected: nothingCollected('key') },
    sending: { chainKey: keys.sending, n: 0 },
    previousLength: 0,
    remoteEpoch: 1,
    receiving: { chainKey: keys.receiving, n: 0 },
    nextReceiving: undefined,
    nextSending: undefined,
    received: 0,
    skipped: [],
  });
}
