import { compareBytes, type PublicKey, SottoError } from '@sotto/core';
import type { MessageRequest } from '@sotto/device';
import type { Contacts } from '../contacts/contacts.js';
import type { MessengerContext } from '../runtime/context.js';
import type { CommitOptions } from '../runtime/options.js';

/** Strangers who wrote to us, and identities that the user blocked: `messenger.requests`. */
export class MessengerRequests {
  readonly #context: MessengerContext;
  readonly #contacts: Contacts;

  /** @internal */
  constructor(context: MessengerContext, contacts: Contacts) {
    this.#context = context;
    this.#contacts = contacts;
  }

  /**
   * Identities that wrote to us and that the user hasn't accepted yet, oldest first. Until then we subscribe to none of their
   * topics except the one to which an answer of ours moved them, and what is stored of them is bounded (docs/limits.md).
   * @throws STORE codes, CLOSED
   */
  async list(): Promise<readonly MessageRequest[]> {
    return this.#context.runtime.read((tx) => this.#context.device.requests(tx));
  }

  /**
   * Accepts an identity: its messages are no longer a request, and we subscribe to its topics. What it sent since its request
   * is fetched from history. Writing to an identity, from any device of ours, or adding a contact does the same.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async accept(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction((tx) => this.#contacts.letIn(tx, key));
  }

  /**
   * Whether the user has accepted an identity, and not blocked it since; our own always counts as accepted. Those not accepted need not
   * be in {@link list}, which forgets the oldest.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async isAccepted(identity: Uint8Array): Promise<boolean> {
    const key = this.#parse(identity);
    if (this.#contacts.isBlocked(key)) return false;
    return this.#context.runtime.read((tx) => this.#contacts.isAccepted(tx, key));
  }

  /**
   * Blocks an identity: whatever it sends is dropped before it is processed, also in groups and public chats. It is no longer
   * a contact, nor verified. What else is known of it stays, unless it was a request; its history is the application's.
   * @throws INVALID_PUBLIC_KEY; INVALID_ARGUMENT for our own identity; STORE codes, CLOSED
   */
  async block(identity: Uint8Array, options: CommitOptions = {}): Promise<void> {
    const key = this.#parse(identity);
    if (compareBytes(key, this.#context.device.identity) === 0) {
      throw new SottoError('INVALID_ARGUMENT', 'You cannot block your own identity.', {
        what: 'identity',
        reason: 'our own',
      });
    }
    await this.#contacts.block(key, options.alongside ?? []);
  }

  /**
   * Unblocks an identity. What it sent meanwhile was dropped, and is delivered only if history is queried for that time again
   * and still has it. An identity that was accepted before still is.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async unblock(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction((tx) => this.#contacts.unblock(tx, key));
  }

  /** The identities that the user blocked, 33 bytes each, in byte order. */
  blocked(): readonly PublicKey[] {
    return this.#contacts.blocked();
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#context.settings.crypto.secp256k1.parsePublicKey(key);
  }
}
