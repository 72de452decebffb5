import {
  copyBytes,
  encodeUtf8,
  parseBytes,
  SHARED_KEY_LENGTH,
  SottoError,
  wipeBytes,
  type X25519KeyPair,
} from '@sotto/core';
import {
  curve25519Suite,
  RatchetState,
  startInitiator as startDhInitiator,
  startResponder as startDhResponder,
} from '@sotto/double-ratchet';
import type { TripleRatchetProvider } from './provider.js';
import { startSparse } from './sparse/start.js';
import { TripleRatchetState } from './state.js';

/** What a handshake such as PQXDH gives to both sides. */
export interface SessionSecrets {
  /** 32 bytes; secret. Borrowed: nothing of it stays in a state. */
  readonly sharedKey: Uint8Array;
  /** Hash of the handshake, 32 bytes; copied. */
  readonly associatedData: Uint8Array;
}

const START_INFO = encodeUtf8('sotto triple ratchet v1 start');
const ZERO_SALT = new Uint8Array(32);
const KEY_LENGTH = 32;

/**
 * The initial state of the initiator, who sends first.
 * @param remoteKey the responder's Curve25519 prekey, 32 bytes: its first ratchet key; copied
 * @throws INVALID_LENGTH, INVALID_ARGUMENT; a remote key of small order is detected when the first message is encrypted
 */
export function startInitiator(
  crypto: TripleRatchetProvider,
  secrets: SessionSecrets,
  remoteKey: Uint8Array,
): TripleRatchetState {
  const keys = derive(crypto, secrets);
  const started = startDhInitiator(curve25519Suite(crypto), keys.rootKey, remoteKey);
  const receiving = { chainKey: keys.responderChainKey, n: 0 };
  return new TripleRatchetState({
    associatedData: keys.associatedData,
    ratchet: new RatchetState({ ...started, receiving }),
    sparse: startSparse(crypto, 'initiator', keys.sparseSecret),
    headerKeys: {
      sending: undefined,
      nextSending: keys.initiatorHeaderKey,
      receiving: keys.responderHeaderKey,
      nextReceiving: keys.nextResponderHeaderKey,
      earlier: [],
    },
  });
}

/**
 * The initial state of the responder, who usually receives first. What it sends before that has no forward secrecy
 * of its own until the first step of the DH ratchet.
 * @param keyPair our Curve25519 prekey, which the initiator used; copied
 * @throws INVALID_LENGTH, INVALID_ARGUMENT
 */
export function startResponder(
  crypto: TripleRatchetProvider,
  secrets: SessionSecrets,
  keyPair: Pick<X25519KeyPair, 'publicKey' | 'privateKey'>,
): TripleRatchetState {
  const keys = derive(crypto, secrets);
  const started = startDhResponder(curve25519Suite(crypto), keys.rootKey, keyPair);
  const chain = { chainKey: keys.responderChainKey, n: 0 };
  const ownKeyPair = { publicKey: copyBytes(keyPair.publicKey), privateKey: copyBytes(keyPair.privateKey) };
  return new TripleRatchetState({
    associatedData: keys.associatedData,
    ratchet: new RatchetState({ ...started, sending: { kind: 'chain', chain, keyPair: ownKeyPair } }),
    sparse: startSparse(crypto, 'responder', keys.sparseSecret),
    headerKeys: {
      sending: keys.responderHeaderKey,
      nextSending: keys.nextResponderHeaderKey,
      receiving: undefined,
      nextReceiving: keys.initiatorHeaderKey,
      earlier: [],
    },
  });
}

/**
 * The keys that a session begins with, one after the other from one HKDF-SHA-256 of the shared key. The shared key itself is in
 * no state: who takes one before the first answer must not come to the keys of the other ratchet, or of other sessions' starts.
 */
function derive(crypto: TripleRatchetProvider, { sharedKey, associatedData }: SessionSecrets) {
  requireLength('shared key', sharedKey);
  requireLength('associated data', associatedData);
  const output = crypto.hkdfSha256({
    inputKey: sharedKey,
    salt: ZERO_SALT,
    info: START_INFO,
    length: 6 * KEY_LENGTH,
  });
  const part = (index: number) => copyBytes(output.subarray(index * KEY_LENGTH, (index + 1) * KEY_LENGTH));
  const keys = {
    associatedData: copyBytes(associatedData),
    rootKey: part(0),
    /** Of the chain on which the responder sends before it has received something. */
    responderChainKey: part(1),
    initiatorHeaderKey: part(2),
    responderHeaderKey: part(3),
    nextResponderHeaderKey: part(4),
    sparseSecret: part(5),
  };
  wipeBytes(output);
  return keys;
}

function requireLength(what: string, bytes: Uint8Array): void {
  if (parseBytes(bytes, what).length === SHARED_KEY_LENGTH) return;
  throw new SottoError('INVALID_LENGTH', `The ${what} must have ${SHARED_KEY_LENGTH} bytes.`, {
    what,
    expected: SHARED_KEY_LENGTH,
    actual: bytes.length,
  });
}
