import { invalidArgument, isBytes, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { parseChatName } from './topics.js';

/** The conversation that a message belongs to. */
export type Conversation =
  /** 1:1 with another identity, 33 bytes. */
  | { readonly kind: 'direct'; readonly peer: PublicKey }
  /** A public chat: 1 to 128 of `a` to `z`, `0` to `9` and `-`. */
  | { readonly kind: 'public'; readonly name: string }
  /** A private group; `groupId` is 64 hex digits. */
  | { readonly kind: 'group'; readonly groupId: string };

/**
 * Where a message is sent: a person, a group or a public chat. A bare public key of 33 or 65 bytes stands for
 * `{ kind: 'direct', peer }`; so does an unparsed `peer`.
 */
export type Recipient =
  | Uint8Array
  | Exclude<Conversation, { readonly kind: 'direct' }>
  | { readonly kind: 'direct'; readonly peer: Uint8Array };

/** The kind of conversation that a {@link Recipient} is. */
export type KindOf<R extends Recipient> = R extends { readonly kind: infer K } ? K : 'direct';

/**
 * The conversation that a recipient names.
 * @throws INVALID_ARGUMENT, INVALID_PUBLIC_KEY, INVALID_TEXT
 */
export function parseRecipient(crypto: CryptoProvider, to: Recipient): Conversation {
  if (isBytes(to)) return { kind: 'direct', peer: crypto.secp256k1.parsePublicKey(to) };
  switch (to?.kind) {
    case 'direct':
      return { kind: 'direct', peer: crypto.secp256k1.parsePublicKey(to.peer) };
    case 'public':
      return { kind: 'public', name: parseChatName(to.name) };
    case 'group':
      return { kind: 'group', groupId: to.groupId };
    default:
      throw invalidArgument('conversation', 'neither a public key nor a conversation of a known kind');
  }
}
