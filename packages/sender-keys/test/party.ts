import { defaultProvider } from '@sotto/crypto';
import {
  type ChainContext,
  decodeMessage,
  decrypt,
  encrypt,
  isSkipped,
  type MemberChain,
  type OwnChain,
  type SenderKey,
  type SenderKeyLimits,
  senderKeyOf,
  startMemberChain,
  startOwnChain,
} from '../src/index.js';

export const crypto = defaultProvider();
export const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export const CONTEXT: ChainContext = {
  groupId: new Uint8Array(32).fill(7),
  sender: crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey,
  installationId: 'alice-1',
};

/** Who sends on a chain, as an application would keep it. */
export class Speaker {
  state: OwnChain = startOwnChain(crypto);
  readonly context: ChainContext;

  constructor(context = CONTEXT) {
    this.context = context;
  }

  say(text: string): Uint8Array {
    const { next, encoded } = encrypt(crypto, this.state, this.context, bytesOf(text));
    this.state = next;
    return encoded;
  }

  key(index?: number): SenderKey {
    return senderKeyOf(crypto, this.state, index);
  }
}

/** Who reads a chain, as an application would keep it. */
export class Listener {
  readonly keys = new Map<number, Uint8Array>();
  state: MemberChain;
  readonly context: ChainContext;
  readonly limits: SenderKeyLimits | undefined;

  constructor(key: SenderKey, context = CONTEXT, limits?: SenderKeyLimits) {
    this.state = startMemberChain(crypto, key);
    this.context = context;
    this.limits = limits;
  }

  hear(encoded: Uint8Array): string {
    const message = decodeMessage(encoded);
    const skippedKey = isSkipped(this.state, message.index) ? this.keys.get(message.index) : undefined;
    const options = { skippedKey, limits: this.limits };
    const { next, plaintext, keys } = decrypt(crypto, this.state, this.context, message, options);
    this.state = next;
    for (const index of keys.deleted) this.keys.delete(index);
    for (const { index, messageKey } of keys.stored) this.keys.set(index, messageKey);
    return textOf(plaintext);
  }
}

export function codeOf(run: () => unknown): string {
  try {
    run();
    return 'no error';
  } catch (error) {
    return (error as { code?: string }).code ?? 'no code';
  }
}
