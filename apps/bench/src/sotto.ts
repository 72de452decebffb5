import { type CryptoProvider, createPortableProvider } from '@sotto/crypto';
import { createAcceleratedProvider } from '@sotto/crypto/accelerated';
import { withMlKem768 } from '@sotto/crypto/ml-kem';
import { loadWebAssemblyProvider } from '@sotto/crypto/webassembly';
import {
  decodeMessage,
  decrypt,
  encrypt,
  type RatchetState,
  type RatchetSuite,
  type SkippedKeyId,
  secp256k1Suite,
  skippedKeyFor,
  startInitiator,
  startResponder,
} from '@sotto/double-ratchet';
import { acceptX3dh, bundleTimestamp, initiateX3dh, signBundle, verifyBundle } from '@sotto/x3dh';
import type { Library, Party } from './library.js';
import { createTripleLibrary } from './sotto-triple.js';

/**
 * @param id of a contestant
 * @param watch the provider to use instead of the given one
 */
export async function createSotto(
  id: string,
  watch: <Provider extends CryptoProvider>(provider: Provider) => Provider = (provider) => provider,
): Promise<Library> {
  switch (id) {
    case 'sotto-accelerated':
      return createLibrary(watch(createAcceleratedProvider()));
    case 'sotto-webassembly':
      return createLibrary(watch(await loadWebAssemblyProvider()));
    case 'sotto-portable':
      return createLibrary(watch(createPortableProvider()));
    case 'sotto-triple-accelerated':
      return createTripleLibrary(watch(withMlKem768(createAcceleratedProvider())));
    case 'sotto-triple-portable':
      return createTripleLibrary(watch(withMlKem768(createPortableProvider())));
    default:
      throw new Error(`Sotto has no such provider: ${id}`);
  }
}

function createLibrary(crypto: CryptoProvider): Library {
  const suite = secp256k1Suite(crypto);
  const { generateKeyPair } = crypto.secp256k1;
  const [alice, bob, signedPreKey] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
  const bundle = signBundle(crypto, bob, {
    signedPreKeys: new Map([
      ['phone', { signedPreKey: signedPreKey.publicKey, version: 1, protocolVersion: 1 }],
    ]),
    timestamp: bundleTimestamp(Date.now()),
  });
  return {
    begin() {
      const { identity } = verifyBundle(crypto, bundle);
      const preKey = signedPreKey.publicKey;
      const begun = initiateX3dh(crypto, { identity: alice, remoteIdentity: identity, signedPreKey: preKey });
      return [
        new Ratchet(suite, () => startInitiator(suite, begun.sharedKey, preKey)),
        new Ratchet(suite, () => {
          const { ephemeralKey } = begun;
          const keys = { identity: bob, signedPreKey, remoteIdentity: alice.publicKey, ephemeralKey };
          return startResponder(suite, acceptX3dh(crypto, keys), signedPreKey);
        }),
      ];
    },
  };
}

const nameOf = ({ key, n }: SkippedKeyId) => `${n} ${String.fromCharCode(...key)}`;

/** A session in memory: its state and its skipped keys. */
class Ratchet implements Party {
  readonly #suite: RatchetSuite;
  readonly #start: () => RatchetState;
  readonly #keys = new Map<string, Uint8Array>();
  #state: RatchetState | undefined;

  constructor(suite: RatchetSuite, start: () => RatchetState) {
    this.#suite = suite;
    this.#start = start;
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const { next, encoded } = encrypt(this.#suite, this.#state ?? this.#start(), plaintext);
    this.#state = next;
    return encoded;
  }

  decrypt(bytes: Uint8Array): Uint8Array {
    const state = this.#state ?? this.#start();
    const message = decodeMessage(bytes, this.#suite.publicKeyLength);
    const wanted = skippedKeyFor(state, message.header);
    const skippedKey = wanted && this.#keys.get(nameOf(wanted));
    const { next, plaintext, keys } = decrypt(this.#suite, state, message, skippedKey ? { skippedKey } : {});
    this.#state = next;
    for (const key of keys.stored) this.#keys.set(nameOf(key), key.messageKey);
    for (const key of keys.deleted) this.#keys.delete(nameOf(key));
    return plaintext;
  }
}
