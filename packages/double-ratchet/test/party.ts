import { encodeHex } from '@sotto/core';
import { createPortableProvider, type X25519Provider } from '@sotto/crypto';
import {
  curve25519Suite,
  decrypt,
  encrypt,
  type RatchetLimits,
  type RatchetMessage,
  type RatchetState,
  type RatchetSuite,
  type SkippedKeyId,
  type SuiteName,
  secp256k1Suite,
  skippedKeyFor,
  startInitiator,
  startResponder,
} from '../src/index.js';

export const crypto = createPortableProvider();

export function suiteNamed(name: SuiteName, provider: X25519Provider = crypto): RatchetSuite {
  return name === 'secp256k1' ? secp256k1Suite(provider) : curve25519Suite(provider);
}

/** A source of randomness that gives what is listed, each once. */
export function listedRandom(values: readonly Uint8Array[]): (length: number) => Uint8Array {
  const left = [...values];
  return (length) => {
    const next = left.shift();
    if (next === undefined) throw new Error('more randomness was drawn than the vector lists');
    if (next.length !== length) throw new Error(`${length} random bytes wanted, ${next.length} listed`);
    return next;
  };
}

const keyName = ({ key, n }: SkippedKeyId) => `${encodeHex(key)}/${n}`;

/** One side of a session, as an application would keep it. */
export class Party {
  readonly keys = new Map<string, Uint8Array>();

  constructor(
    readonly suite: RatchetSuite,
    public state: RatchetState,
    readonly limits?: RatchetLimits,
  ) {}

  send(plaintext: Uint8Array, associatedData?: Uint8Array): RatchetMessage {
    const { next, message } = encrypt(this.suite, this.state, plaintext, associatedData);
    this.state = next;
    return message;
  }

  receive(message: RatchetMessage, associatedData?: Uint8Array): Uint8Array {
    const id = skippedKeyFor(this.state, message.header);
    const skippedKey = id && this.keys.get(keyName(id));
    const { next, plaintext, keys } = decrypt(this.suite, this.state, message, {
      ...(associatedData && { associatedData }),
      ...(skippedKey && { skippedKey }),
      ...(this.limits && { limits: this.limits }),
    });
    this.state = next;
    for (const id of keys.deleted) {
      if (!this.keys.delete(keyName(id))) throw new Error('told to delete a key that was never stored');
    }
    for (const key of keys.stored) this.keys.set(keyName(key), key.messageKey);
    return plaintext;
  }
}

/** Two parties with a session between them, alice the initiator. */
export function pair(
  name: SuiteName = 'curve25519',
  limits?: RatchetLimits,
): { readonly alice: Party; readonly bob: Party } {
  const suite = suiteNamed(name);
  const sharedKey = crypto.randomBytes(32);
  const bobPair = suite.generateKeyPair();
  return {
    alice: new Party(suite, startInitiator(suite, sharedKey, bobPair.publicKey), limits),
    bob: new Party(suite, startResponder(suite, sharedKey, bobPair), limits),
  };
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The code of the SottoError that `run` throws. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return 'no error';
}
