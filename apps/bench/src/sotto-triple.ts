import {
  decrypt,
  encrypt,
  type OpenedMessage,
  skippedKeysFor,
  startInitiator,
  startResponder,
  type TripleRatchetProvider,
  type TripleRatchetState,
  tryHeader,
} from '@sotto/triple-ratchet';
import { bundleTimestamp, signBundle, verifyBundle } from '@sotto/x3dh';
import { acceptPqxdh, initiatePqxdh } from '@sotto/x3dh/pqxdh';
import type { Library, Party } from './library.js';

/** Post-quantum sessions: PQXDH, then the Triple Ratchet. The bundle that is verified is that of the other sessions: two signatures. */
export function createTripleLibrary(crypto: TripleRatchetProvider): Library {
  const deviceOf = (installationId: string) => ({
    identity: crypto.secp256k1.generateKeyPair(),
    installationId,
    bundleDigest: crypto.randomBytes(32),
  });
  const [alice, bob] = [deviceOf('laptop'), deviceOf('phone')];
  const preKeys = {
    signedPreKey: crypto.secp256k1.generateKeyPair(),
    curve25519PreKey: crypto.x25519.generateKeyPair(),
    kemPreKey: crypto.mlKem768.generateKeyPair(),
  };
  const published = {
    signedPreKey: preKeys.signedPreKey.publicKey,
    curve25519PreKey: preKeys.curve25519PreKey.publicKey,
    kemPreKey: preKeys.kemPreKey.encapsulationKey,
  };
  const bundle = signBundle(crypto, bob.identity, {
    signedPreKeys: new Map([
      ['phone', { signedPreKey: published.signedPreKey, version: 1, protocolVersion: 1 }],
    ]),
    timestamp: bundleTimestamp(Date.now()),
  });
  return {
    begin() {
      const { identity } = verifyBundle(crypto, bundle);
      const begun = initiatePqxdh(crypto, {
        suite: 2,
        local: alice,
        remote: { ...bob, identity },
        preKeys: published,
      });
      return [
        new Session(crypto, () => startInitiator(crypto, begun, published.curve25519PreKey)),
        new Session(crypto, () => {
          const remote = { ...alice, identity: alice.identity.publicKey };
          const accepted = acceptPqxdh(crypto, { local: bob, remote, preKeys, header: begun.header });
          return startResponder(crypto, accepted, preKeys.curve25519PreKey);
        }),
      ];
    },
  };
}

type SkippedKey = ReturnType<typeof decrypt>['keys']['stored'][number];

const nameOf = ({ key, n }: { readonly key: Uint8Array; readonly n: number }) =>
  `${n} ${String.fromCharCode(...key)}`;

/** A session in memory: its state and its skipped keys. */
class Session implements Party {
  readonly #crypto: TripleRatchetProvider;
  readonly #start: () => TripleRatchetState;
  readonly #keys = new Map<string, SkippedKey>();
  #state: TripleRatchetState | undefined;

  constructor(crypto: TripleRatchetProvider, start: () => TripleRatchetState) {
    this.#crypto = crypto;
    this.#start = start;
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const { next, message } = encrypt(this.#crypto, this.#state ?? this.#start(), plaintext);
    this.#state = next;
    return message;
  }

  decrypt(bytes: Uint8Array): Uint8Array {
    const state = this.#state ?? this.#start();
    const opened = tryHeader(this.#crypto, state, bytes);
    if (opened === undefined) throw new Error('the message is of another session');
    const skippedKeys = this.#wanted(state, opened);
    const { next, plaintext, keys } = decrypt(this.#crypto, state, opened, { skippedKeys });
    this.#state = next;
    for (const key of keys.stored) this.#keys.set(nameOf(key), key);
    for (const key of keys.deleted) this.#keys.delete(nameOf(key));
    return plaintext;
  }

  #wanted(state: TripleRatchetState, opened: OpenedMessage): SkippedKey[] {
    return skippedKeysFor(state, opened).flatMap((id) => this.#keys.get(nameOf(id)) ?? []);
  }
}
