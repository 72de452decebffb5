import { encodeHex } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createAcceleratedProvider } from '@sotto/crypto/accelerated';
import { withMlKem768 } from '@sotto/crypto/ml-kem';
import type { SkippedKey, SkippedKeyId } from '@sotto/double-ratchet';
import {
  decodeState,
  decrypt,
  encodeState,
  encrypt,
  skippedKeysFor,
  startInitiator,
  startResponder,
  type TripleRatchetLimits,
  type TripleRatchetProvider,
  type TripleRatchetState,
  tryHeader,
} from '../src/index.js';

export const crypto = withMlKem768(createAcceleratedProvider());

/** A provider that draws from a source, encapsulations included. */
export function drawingFrom(random: (length: number) => Uint8Array): TripleRatchetProvider {
  return withMlKem768(createPortableProvider({ random }), { randomness: 'provider' });
}

const keyName = ({ key, n }: SkippedKeyId) => `${encodeHex(key)}/${n}`;

/** What `receive` throws when no header key opens the message. */
export class NotOfThisSession extends Error {
  readonly code = 'not of this session';
}

/** One side of a session, as an application would keep it. */
export class Party {
  readonly keys = new Map<string, SkippedKey>();

  constructor(
    public state: TripleRatchetState,
    readonly limits?: TripleRatchetLimits,
    readonly provider: TripleRatchetProvider = crypto,
  ) {}

  send(plaintext: Uint8Array, associatedData?: Uint8Array): Uint8Array {
    const { next, message } = encrypt(this.provider, this.state, plaintext, associatedData);
    this.state = next;
    return message;
  }

  receive(message: Uint8Array, associatedData?: Uint8Array): Uint8Array {
    const opened = tryHeader(this.provider, this.state, message);
    if (opened === undefined) throw new NotOfThisSession();
    const skippedKeys = skippedKeysFor(this.state, opened)
      .map((id) => this.keys.get(keyName(id)))
      .filter((key) => key !== undefined);
    const { next, plaintext, keys } = decrypt(this.provider, this.state, opened, {
      skippedKeys,
      ...(associatedData && { associatedData }),
      ...(this.limits && { limits: this.limits }),
    });
    this.state = next;
    for (const id of keys.deleted) {
      if (!this.keys.delete(keyName(id))) throw new Error('told to delete a key that was never stored');
    }
    for (const key of keys.stored) {
      if (this.keys.has(keyName(key))) throw new Error('told to store a key twice');
      this.keys.set(keyName(key), key);
    }
    return plaintext;
  }

  restart(): void {
    this.state = decodeState(encodeState(this.state));
  }

  /** The same party with a copy of everything: what a thief takes away. */
  copy(): Party {
    const copy = new Party(decodeState(encodeState(this.state)), this.limits, this.provider);
    for (const [name, key] of this.keys) copy.keys.set(name, { ...key, messageKey: key.messageKey.slice() });
    return copy;
  }
}

/** Two parties with a session between them, alice the initiator. */
export function pair(
  limits?: TripleRatchetLimits,
  provider: TripleRatchetProvider = crypto,
): { readonly alice: Party; readonly bob: Party } {
  const secrets = { sharedKey: crypto.randomBytes(32), associatedData: crypto.randomBytes(32) };
  const bobPair = crypto.x25519.generateKeyPair();
  return {
    alice: new Party(startInitiator(provider, secrets, bobPair.publicKey), limits, provider),
    bob: new Party(startResponder(provider, secrets, bobPair), limits, provider),
  };
}

/** One message each way. */
export function exchange(from: Party, to: Party): void {
  to.receive(from.send(bytesOf('ping')));
  from.receive(to.send(bytesOf('pong')));
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The code of the error that `run` throws. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return 'no error';
}
