import { copyBytes, parseBytes, SHARED_KEY_LENGTH, SottoError } from '@sotto/core';
import { RatchetState } from './state.js';
import type { RatchetKeyPair, RatchetSuite } from './suite.js';

/**
 * The initial state of the initiator, who sends first. Both chains begin with the shared key; the first message draws our
 * first ratchet key pair. Wire profile, section 4.
 *
 * @param sharedKey 32 bytes that both parties know, from X3DH for example; copied
 * @param remoteKey the responder's first ratchet key (X3DH: its signed prekey); copied
 * @throws INVALID_LENGTH, INVALID_ARGUMENT; a remote key that is not on the curve is detected when the first message is encrypted
 */
export function startInitiator(
  suite: RatchetSuite,
  sharedKey: Uint8Array,
  remoteKey: Uint8Array,
): RatchetState {
  checkLength('shared key', SHARED_KEY_LENGTH, sharedKey);
  checkLength('ratchet public key', suite.publicKeyLength, remoteKey);
  return new RatchetState({
    suite: suite.name,
    rootKey: copyBytes(sharedKey),
    sending: { kind: 'inactive', keyPair: undefined },
    previousLength: 0,
    remoteKey: copyBytes(remoteKey),
    receiving: { chainKey: copyBytes(sharedKey), n: 0 },
    received: 0,
    skipped: [],
  });
}

/**
 * The initial state of the responder, who receives first.
 *
 * @param sharedKey 32 bytes that both parties know; copied
 * @param keyPair our first ratchet key pair (X3DH: our signed prekey); copied
 * @throws INVALID_LENGTH, INVALID_ARGUMENT
 */
export function startResponder(
  suite: RatchetSuite,
  sharedKey: Uint8Array,
  keyPair: RatchetKeyPair,
): RatchetState {
  checkLength('shared key', SHARED_KEY_LENGTH, sharedKey);
  checkLength('ratchet public key', suite.publicKeyLength, keyPair.publicKey);
  checkLength('ratchet private key', 32, keyPair.privateKey);
  return new RatchetState({
    suite: suite.name,
    rootKey: copyBytes(sharedKey),
    sending: {
      kind: 'chain',
      chain: { chainKey: copyBytes(sharedKey), n: 0 },
      keyPair: { publicKey: copyBytes(keyPair.publicKey), privateKey: copyBytes(keyPair.privateKey) },
    },
    previousLength: 0,
    remoteKey: undefined,
    receiving: { chainKey: copyBytes(sharedKey), n: 0 },
    received: 0,
    skipped: [],
  });
}

function checkLength(what: string, expected: number, bytes: Uint8Array): void {
  if (parseBytes(bytes, what).length !== expected) {
    throw new SottoError('INVALID_LENGTH', `The ${what} must have ${expected} bytes.`, {
      what,
      expected,
      actual: bytes.length,
    });
  }
}
