/**
 * The hybrid suite: PQXDH and the Triple Ratchet, for `openDevice({ hybrid })`. An entry of its own, so that only who offers the suite
 * loads its code.
 */
import {
  compareBytes,
  concatBytes,
  type MlKem768EncapsulationKey,
  MlKem768KeyPair,
  type MlKem768Seed,
  X25519KeyPair,
  type X25519PrivateKey,
  type X25519PublicKey,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { withMlKem768 } from '@sotto/crypto/ml-kem';
import { withX25519 } from '@sotto/crypto/x25519';
import {
  decodeState,
  decrypt,
  encodeState,
  encrypt,
  numberInChain,
  type OpenedMessage,
  type ReceivedChain,
  receivedChains,
  skippedKeysFor,
  startInitiator,
  startResponder,
  type TripleRatchetState,
  tryHeader,
  withoutSkippedKeys,
} from '@sotto/triple-ratchet';
import { HYBRID_SUITE } from '@sotto/x3dh';
import { acceptPqxdh, initiatePqxdh } from '@sotto/x3dh/pqxdh';
import type { HybridPreKeyPairs, HybridSuite, OpenedHeader } from './suites/hybrid-suite.js';
import { sessionOrder } from './suites/session-order.js';

export type {
  HandshakeParty,
  HybridDecrypted,
  HybridPreKeyPairs,
  HybridStart,
  HybridSuite,
  OpenedHeader,
} from './suites/hybrid-suite.js';

const KEY_LENGTH = 32;

interface Opened extends OpenedHeader {
  readonly state: TripleRatchetState;
  readonly message: OpenedMessage;
}

/**
 * Makes the hybrid suite. One can serve many devices.
 * @param crypto a provider; X25519 and ML-KEM-768 are added where it lacks them
 */
export function createHybridSuite(crypto: CryptoProvider): HybridSuite {
  const provider = withMlKem768(withX25519(crypto));
  const { read, write } = stateCodec();
  const suite: HybridSuite<Opened> = {
    generatePreKeys() {
      const curve25519 = provider.x25519.generateKeyPair();
      const kem = provider.mlKem768.generateKeyPair();
      return {
        suites: Uint8Array.of(HYBRID_SUITE),
        curve25519PublicKey: curve25519.publicKey,
        curve25519PrivateKey: curve25519.privateKey,
        kemPublicKey: kem.encapsulationKey,
        kemSeed: kem.seed,
      };
    },

    begin({ identity, from, to, signedPreKey, offer }) {
      const { header, ...secrets } = initiatePqxdh(provider, {
        suite: HYBRID_SUITE,
        local: { identity, installationId: from.installationId, bundleDigest: from.deviceDigest },
        remote: {
          identity: to.identity,
          installationId: to.installationId,
          bundleDigest: to.deviceDigest,
        },
        preKeys: { signedPreKey, curve25519PreKey: offer.curve25519PreKey, kemPreKey: offer.kemPreKey },
      });
      return {
        state: write(startInitiator(provider, secrets, offer.curve25519PreKey)),
        order: sessionOrder(provider.sha256(secrets.sharedKey)),
        handshake: {
          suite: header.suite,
          key: header.ephemeralKey,
          curve25519Key: header.curve25519Key as Uint8Array,
          kemCiphertext: header.kemCiphertext,
          id: header.signedPreKey,
          deviceDigest: header.bundleDigest,
        },
      };
    },

    accept({ identity, from, to, signedPreKey, preKeys, handshake }) {
      const { curve25519, kem } = pairsOf(preKeys);
      const secrets = acceptPqxdh(provider, {
        local: { identity, installationId: to.installationId, bundleDigest: to.deviceDigest },
        remote: {
          identity: from.identity,
          installationId: from.installationId,
          bundleDigest: handshake.deviceDigest,
        },
        preKeys: {
          signedPreKey,
          curve25519PreKey: curve25519,
          kemPreKey: kem,
        },
        header: {
          suite: handshake.suite,
          ephemeralKey: handshake.key,
          curve25519Key: handshake.curve25519Key,
          kemCiphertext: handshake.kemCiphertext,
          signedPreKey: handshake.id,
          bundleDigest: handshake.deviceDigest,
        },
      });
      return {
        state: write(startResponder(provider, secrets, curve25519)),
        order: sessionOrder(provider.sha256(secrets.sharedKey)),
      };
    },

    encrypt(state, plaintext) {
      const { next, message } = encrypt(provider, read(state), plaintext);
      return { next: write(next), message };
    },

    openHeader(state, bytes) {
      const decoded = read(state);
      const message = tryHeader(provider, decoded, bytes);
      return message && { state: decoded, message, wanted: skippedKeysFor(decoded, message) };
    },

    numberInChain: (ended, message) =>
      numberInChain(
        provider,
        { headerKey: ended.subarray(0, KEY_LENGTH), ratchetKey: ended.subarray(KEY_LENGTH) },
        message,
      ),

    decrypt({ state, message }, skippedKeys) {
      const { next, plaintext, keys } = decrypt(provider, state, message, { skippedKeys });
      return { next: write(next), plaintext, keys, ended: endedChains(state, next) };
    },

    withoutSkippedKeys: (state, ids) => write(withoutSkippedKeys(read(state), ids)),

    checkState: (state) => void read(state),
  };
  return suite;
}

/**
 * Reads and writes states. What bytes say is known for as long as the device has them: it keeps the record of a session in use, and so its
 * state is written with each message and hardly ever read.
 */
function stateCodec() {
  const known = new WeakMap<Uint8Array, TripleRatchetState>();
  return {
    read(bytes: Uint8Array): TripleRatchetState {
      const found = known.get(bytes);
      if (found !== undefined) return found;
      const state = decodeState(bytes);
      known.set(bytes, state);
      return state;
    },
    write(state: TripleRatchetState): Uint8Array {
      const bytes = encodeState(state);
      known.set(bytes, state);
      return bytes;
    },
  };
}

/** The key pairs as they were drawn: to derive the public keys again takes as long as the agreement itself. */
function pairsOf(preKeys: HybridPreKeyPairs) {
  return {
    curve25519: new X25519KeyPair(
      preKeys.curve25519PublicKey as X25519PublicKey,
      preKeys.curve25519PrivateKey as X25519PrivateKey,
    ),
    kem: new MlKem768KeyPair(
      preKeys.kemPublicKey as MlKem768EncapsulationKey,
      preKeys.kemSeed as MlKem768Seed,
    ),
  };
}

/** Chains of the peer's that a step has left behind: header key and ratchet key of each. */
function endedChains(before: TripleRatchetState, next: TripleRatchetState): readonly Uint8Array[] {
  // All but the first message of a chain.
  if (before.headerKeys === next.headerKeys) return [];
  const encode = ({ headerKey, ratchetKey }: ReceivedChain) => concatBytes(headerKey, ratchetKey);
  const left = receivedChains(next).map(encode);
  return receivedChains(before)
    .map(encode)
    .filter((chain) => !left.some((other) => compareBytes(chain, other) === 0));
}
